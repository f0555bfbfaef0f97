/**
 * How old is what the page shows, and may it be trusted? Pure arithmetic on times.
 */

/** @typedef {import("./feed/csms.js").Link} Link */
/** @typedef {import("./feed/document.js").Connector} Connector */
/** @typedef {import("./feed/document.js").StatusDocument} StatusDocument */

/**
 * connecting: nothing to show yet. live: line and station well. stale: the line is well, the
 * station is not heard. offline: no line to the feed.
 * @typedef {"connecting"|"live"|"stale"|"offline"} Health
 */

/**
 * @typedef {object} Age
 * @property {"measured"|"heard"} kind measured: of power and energy; heard: of the state
 * @property {number|null} at when, by this device's clock (ms); null if never
 * @property {number|null} seconds
 * @property {boolean} isOld wants a mark
 */

/** No number older than this without a mark. */
export const OLD_AFTER_S = 20;

/**
 * @param {StatusDocument|null} shown
 * @param {Link} link
 * @returns {Health}
 */
export function healthOf(shown, link) {
  if (link.state === "lost" || link.state === "no_station") return "offline";
  // While a broken line is being mended the page stays "offline" until something arrives.
  if (link.state === "connecting" || shown === null) return "connecting";
  // A charging point that speaks for itself is heard, also while nobody else hears it.
  return shown.station.online || shown.source === "edge" ? "live" : "stale";
}

/**
 * The moment the picture belongs to, by the feed's clock: now while live, else the last word heard.
 * @param {StatusDocument} shown
 * @param {Link} link
 * @param {Health} health
 * @param {number} now this device's clock (ms)
 * @returns {number} ms
 */
export function pictureTime(shown, link, health, now) {
  const feedNow = now + link.offsetMs;
  if (health === "live") return feedNow;
  const madeAt = Date.parse(shown.at);
  if (health === "stale") return timeOf(shown.station.heard_at) ?? madeAt;
  return link.heardAt === null ? madeAt : link.heardAt + link.offsetMs;
}

/**
 * @param {Connector} connector
 * @param {StatusDocument} shown
 * @param {Link} link
 * @param {Health} health
 * @param {number} now this device's clock (ms)
 * @returns {Age}
 */
export function ageOf(connector, shown, link, health, now) {
  const isMoving = connector.session !== null && connector.session.stopped_at === null;
  const spokenAt = isMoving
    ? timeOf(connector.measured_at)
    : timeOf(shown.station.heard_at) ?? Date.parse(shown.at);
  const at = spokenAt === null ? null : spokenAt - link.offsetMs;
  // Two clocks never agree to the millisecond: a small negative age is "now".
  const seconds = at === null ? null : Math.max(0, Math.floor((now - at) / 1000));
  const isPast = seconds === null || seconds > OLD_AFTER_S;
  const isOld = health !== "live" || (isMoving && isPast);
  return { kind: isMoving ? "measured" : "heard", at, seconds, isOld };
}

/**
 * @param {string|null|undefined} text
 * @returns {number|null} ms
 */
export function timeOf(text) {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? null : at;
}
