/**
 * The station's own screen: stays awake, comes back to rest, leads nowhere, and follows an update.
 */
import { readConfig } from "./feed/feeds.js";

/** After so long without a touch the screen is the next driver's. */
const REST_AFTER_MS = 60_000;

/**
 * The address of the screen at rest: whoever changed the language is not asked to change it back.
 * @param {URLSearchParams} query
 * @returns {string|null} null if it is at rest
 */
export function restOf(query) {
  const home = query.get("home");
  if (home === null) return null;
  const rest = new URLSearchParams(query);
  rest.delete("home");
  if (home === "") rest.delete("lang");
  else rest.set("lang", home);
  return `?${rest}`;
}

/**
 * A link of the screen to itself in another language, from which it returns by itself.
 * @param {URLSearchParams} query
 * @param {string} language
 * @returns {string}
 */
export function passingLink(query, language) {
  const asked = new URLSearchParams(query);
  if (!asked.has("home")) asked.set("home", query.get("lang") ?? "");
  asked.set("lang", language);
  return `?${asked}`;
}

/**
 * @param {URLSearchParams} query
 * @param {string} config config.json as it was when the page came
 * @returns {(connection: number) => void} to be told of each new connection to the feed
 */
export function keepKiosk(query, config) {
  const rest = restOf(query);
  let timer = 0;
  const touched = () => {
    clearTimeout(timer);
    if (rest !== null) timer = setTimeout(() => location.replace(rest), REST_AFTER_MS);
  };
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, touched);
  addEventListener("contextmenu", (event) => event.preventDefault());
  addEventListener("visibilitychange", stayAwake);
  touched();
  void stayAwake();
  return (connection) => {
    if (connection > 1) void renew(config);
  };
}

/** Keep the screen on, where the browser can. */
async function stayAwake() {
  if (document.visibilityState !== "visible") return;
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // No permission, or no screen that sleeps: the page is as well as before.
  }
}

/** Whoever serves this page came back: if with other pages, these are old. @param {string} config */
async function renew(config) {
  const now = await readConfig();
  if (now !== "" && now !== config) location.reload();
}
