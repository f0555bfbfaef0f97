/**
 * Which station, by which feed: `config.json` beside this page says it.
 */
import { csmsFeed } from "./csms.js";
import { firebaseFeed } from "./firebase.js";

/**
 * @typedef {object} Config
 * @property {string} feed a name of FEEDS
 * @property {string} [station] public code, where the address of the page names none
 * @property {string} [source] origin of the feed, where it is not this page's own
 * @property {string} [database] of the feed firebase
 * @property {string} [name] what drivers call the place
 * @property {string} [url] where the live page is on the internet
 * @property {string} [qr] the picture of that address, beside this page
 * @property {Record<string, string>} [connectors] what can be plugged in where, by number
 */

/** @type {Readonly<Record<string, (code: string, config: Config) => import("./csms.js").Feed>>} */
const FEEDS = {
  csms: (code, config) => csmsFeed(code, undefined, config.source),
  edge: (code) => csmsFeed(code),
  firebase: (code, config) => firebaseFeed(code, config.database ?? ""),
};

const CONFIG = new URL("../config.json", import.meta.url);

/** The configuration as text, to see whether it has changed; "" where there is none. @returns {Promise<string>} */
export async function readConfig() {
  try {
    const response = await fetch(CONFIG, { cache: "no-store" });
    return response.ok ? await response.text() : "";
  } catch {
    return "";
  }
}

/** @param {string} text @returns {Config} */
export function parseConfig(text) {
  try {
    return { feed: "csms", ...JSON.parse(text) };
  } catch {
    return { feed: "csms" };
  }
}

/**
 * @param {Config} config
 * @param {string} code
 * @returns {import("./csms.js").Feed}
 */
export function feedOf(config, code) {
  const feed = Object.hasOwn(FEEDS, config.feed) ? FEEDS[config.feed] : undefined;
  if (feed === undefined) throw new RangeError(`config.json names no feed that there is: ${config.feed}`);
  return feed(code, config);
}
