/** The front of a site of its own: what this is, three steps, the connectors, and the way to the live page. */
import { healthOf } from "../freshness.js";
import { stateWords } from "./card.js";
import { h } from "./dom.js";
import { FACES } from "./faces.js";
import { icon } from "./icons.js";
import { footer, header, qrPart, sightOf } from "./page.js";
import { stepsPart } from "./parts.js";

/** @typedef {import("./dom.js").Node_} Node_ */

/** The live page, beside this one. */
const LIVE = "live.html";

/**
 * @param {import("./page.js").Picture & {config: import("../feed/feeds.js").Config}} picture
 * @returns {{children: Node_[], health: import("../freshness.js").Health, spoken: string, title: string}}
 */
export function landing(picture) {
  const { shown, words, config, languageLink } = picture;
  const health = picture.code === null ? "offline" : healthOf(shown, picture.link);
  const name = shown?.station.name || config.name || words.say("page.name");
  const silence = health === "live" ? "" : words.say(health === "connecting" ? "banner.connecting" : "landing.no_state");
  return {
    health,
    title: `${name} · Tapwatt`,
    spoken: silence,
    children: [
      header(name, health, words),
      h(
        "main",
        { class: "landing", "data-key": "main", "data-tone": "free" },
        h(
          "div",
          { class: "way" },
          h("h2", {}, words.say("landing.title")),
          stepsPart([["bolt", words.say("landing.open")], ["plug", words.say("landing.plug")], ["card", words.say("landing.tap")]]),
          h("a", { class: "go", href: liveLink(picture, null) }, words.say("landing.live")),
        ),
        config.qr && qrPart(config.qr, words.say("page.on_your_phone")),
        h(
          "section",
          { class: "outlets", "aria-labelledby": "outlets" },
          h("h2", { id: "outlets" }, words.say("landing.connectors")),
          silence !== "" && h("p", { class: "notice", "data-field": "outlook" }, silence),
          h("ul", {}, numbersOf(picture).map((number) => outlet(picture, number, health))),
        ),
      ),
      footer({ shown, words, languageLink }),
    ],
  };
}

/** Every connector that the station or the site knows. @param {Parameters<typeof landing>[0]} picture @returns {number[]} */
function numbersOf({ shown, config }) {
  const told = (shown?.connectors ?? []).map((one) => one.connector);
  const planned = Object.keys(config.connectors ?? {}).map(Number);
  return [...new Set([...told, ...planned])].sort((a, b) => a - b);
}

/**
 * @param {Parameters<typeof landing>[0]} picture
 * @param {number} number
 * @param {import("../freshness.js").Health} health
 * @returns {Node_}
 */
function outlet(picture, number, health) {
  const { shown, words, config } = picture;
  const connector = shown?.connectors.find((one) => one.connector === number);
  const known = shown !== null && connector !== undefined && health === "live" ? sightOf(picture, shown, connector, health) : null;
  const face = known === null ? { tone: "off", icon: /** @type {const} */ ("question") } : FACES[known.connector.status](known);
  const state = known === null ? words.say("state.Unknown") : stateWords(known);
  const kind = config.connectors?.[number];
  return h(
    "li",
    { "data-connector": number, "data-status": known?.connector.status ?? "Unknown", "data-tone": face.tone },
    h(
      "a",
      { href: liveLink(picture, number) },
      h("span", { class: "disc" }, icon(face.icon)),
      h(
        "span",
        {},
        h("span", { class: "label" }, words.say("connector", { number }), kind !== undefined && ` · ${kind}`),
        " ",
        h("strong", { "data-field": "state" }, state),
      ),
    ),
  );
}

/** @param {import("./page.js").Picture} picture @param {number|null} connector @returns {string} */
function liveLink({ languageLink, words }, connector) {
  const query = new URLSearchParams(languageLink(words.language));
  if (connector !== null) query.set("connector", String(connector));
  return `${LIVE}?${query}`;
}
