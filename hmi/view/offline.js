/** The strip above the cards when not all is well: what they show is not live, or the station is alone. */
import { timeOf } from "../freshness.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {import("../feed/csms.js").Link} Link */
/** @typedef {import("../feed/document.js").StatusDocument} StatusDocument */
/** @typedef {import("../freshness.js").Health} Health */

/**
 * @typedef {object} Outlook
 * @property {StatusDocument|null} shown
 * @property {Link} link
 * @property {Health} health
 * @property {string|null} code which station is asked for
 * @property {number} now this device's clock (ms)
 * @property {import("../words/words.js").Words} words
 * @property {import("../format.js").Format} format
 */

/**
 * @param {Outlook} outlook
 * @returns {import("./dom.js").Node_|null} null while all is well
 */
export function banner(outlook) {
  const { health, words, link, now } = outlook;
  if (health === "live") return outlook.shown?.station.online === false ? alone(outlook.shown.station.offline, words) : null;
  const retryS = link.retryAt === null ? null : Math.max(0, Math.ceil((link.retryAt - now) / 1000));
  const isLost = health === "offline" && outlook.code !== null;
  return h(
    "section",
    { class: "banner", "data-kind": health },
    icon(health === "connecting" ? "hourglass" : "silent"),
    h(
      "p",
      {},
      h("strong", { "data-field": "outlook" }, outlookWords(outlook)),
      isLost && [" ", h("span", { class: "next" }, retryS === null ? words.say("banner.trying") : words.say("banner.retry_in", { seconds: retryS }))],
    ),
    isLost && h("button", { type: "button", "data-action": "retry" }, words.say("banner.retry_now")),
  );
}

/**
 * The station speaks for itself, its central system does not hear it: why, in the driver's words or for the telephone.
 * @param {string|null|undefined} why
 * @param {import("../words/words.js").Words} words
 */
function alone(why, words) {
  const reason = `info.${why}`;
  return h(
    "section",
    { class: "banner", "data-kind": "alone" },
    icon("silent"),
    h(
      "p",
      {},
      h("strong", { "data-field": "outlook" }, words.say("banner.alone")),
      why && [" ", h("span", { "data-field": "why" }, words.has(reason) ? words.say(reason) : `${words.say("fault.code")} ${why}`)],
    ),
  );
}

/**
 * @param {Outlook} outlook
 * @returns {string}
 */
export function outlookWords({ shown, link, health, code, words, format }) {
  if (code === null) return words.say("banner.no_code");
  if (health === "connecting") return words.say("banner.connecting");
  if (link.state === "no_station") return words.say("banner.no_station", { code });
  if (health === "offline") {
    if (shown === null || link.heardAt === null) return words.say("banner.unreachable");
    return words.say("banner.offline", { time: format.clock(link.heardAt) });
  }
  const heardAt = timeOf(shown?.station.heard_at);
  if (heardAt === null) return words.say("banner.never_heard");
  return words.say("banner.stale", { time: format.clock(heardAt - link.offsetMs) });
}
