/**
 * The feed from the central system, and from the charging point itself, which speaks alike: a
 * stream of status documents that mends itself.
 */
import { parseDocument } from "./document.js";
import { eventReader } from "./sse.js";

/** @typedef {import("./document.js").StatusDocument} StatusDocument */

/**
 * How the line to the feed is.
 * @typedef {object} Link
 * @property {"connecting"|"open"|"lost"|"no_station"} state
 * @property {number} connection counts connections; a new number means "reconnected"
 * @property {number|null} heardAt last sign of life, by this device's clock (ms)
 * @property {number|null} retryAt next try, by this device's clock (ms)
 * @property {number} offsetMs what to add to this device's clock to get the feed's
 */

/**
 * @typedef {object} Feed
 * @property {(onStatus: (document: StatusDocument) => void, onHealth: (link: Link) => void) => () => void} subscribe
 *   starts the feed; returns what ends it
 * @property {() => void} retry tries at once instead of waiting out the back-off
 */

/**
 * What the feed needs of the world, so that tests can give another one.
 * @typedef {object} World
 * @property {(url: string, init: RequestInit) => Promise<Response>} fetch
 * @property {() => number} now this device's clock (ms)
 * @property {() => number} random 0 to 1
 * @property {(action: () => void, ms: number) => unknown} after
 * @property {(timer: any) => void} cancel
 */

/** The server sends a comment every 10 s: two missing ones mean the line is dead. */
export const QUIET_MS = 20_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** A code that nobody has will not appear soon; yet the station may be set up right now. */
const NO_STATION_PAUSE_MS = 30_000;

/** @type {World} */
const BROWSER = {
  fetch: (url, init) => globalThis.fetch(url, init),
  now: () => Date.now(),
  random: () => Math.random(),
  after: (action, ms) => setTimeout(action, ms),
  cancel: (timer) => clearTimeout(timer),
};

/**
 * The pause before try number `failures` + 1: doubling, bounded, spread by a fifth either way so
 * that a car park of pages does not return in one wave.
 * @param {number} failures 1 or more
 * @param {number} random 0 to 1
 * @returns {number} ms
 */
export function pauseMs(failures, random) {
  const plain = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10));
  return Math.round(plain * (0.8 + 0.4 * random));
}

/**
 * @param {string} code public code of the station
 * @param {World} [world]
 * @param {string} [source] origin of the feed where it is not this page's own
 * @returns {Feed}
 */
export function csmsFeed(code, world = BROWSER, source = "") {
  const url = `${source}/api/public/stations/${encodeURIComponent(code)}/events`;
  /** @type {() => void} */
  let wake = () => {};

  return {
    retry: () => wake(),
    subscribe(onStatus, onHealth) {
      const ending = new AbortController();
      /** @type {Link} */
      let link = { state: "connecting", connection: 0, heardAt: null, retryAt: null, offsetMs: 0 };
      const tell = (/** @type {Partial<Link>} */ change) => {
        link = { ...link, ...change };
        if (!ending.signal.aborted) onHealth(link);
      };

      /** Read one connection to its end; true if it delivered anything. */
      async function readOnce() {
        const cut = new AbortController();
        const end = () => cut.abort();
        ending.signal.addEventListener("abort", end);
        let silence = world.after(end, QUIET_MS);
        let isFruitful = false;
        try {
          const asked = { headers: { accept: "text/event-stream" }, signal: cut.signal };
          const response = await world.fetch(url, { ...asked, cache: "no-store" });
          if (response.status === 404) return "no_station";
          if (!response.ok || response.body === null) return "lost";
          tell({ connection: link.connection + 1, offsetMs: offsetOf(response, world.now()) });
          const read = eventReader();
          const decoder = new TextDecoder();
          const source = response.body.getReader();
          for (let part = await source.read(); !part.done; part = await source.read()) {
            world.cancel(silence);
            silence = world.after(end, QUIET_MS);
            tell({ state: "open", heardAt: world.now(), retryAt: null });
            for (const event of read(decoder.decode(part.value, { stream: true }))) {
              const document = event.name === "status" ? parseDocument(event.text) : null;
              if (document === null) continue;
              isFruitful = true;
              // Nothing is made in the future: a document ahead of our idea of the time corrects it.
              const ahead = Date.parse(document.at) - (world.now() + link.offsetMs);
              if (ahead > 0) tell({ offsetMs: link.offsetMs + ahead });
              if (!ending.signal.aborted) onStatus(document);
            }
          }
        } catch {
          // A refused, broken, silent or absurd stream is one thing to the driver: a lost line.
        } finally {
          world.cancel(silence);
          ending.signal.removeEventListener("abort", end);
          cut.abort();
        }
        return isFruitful ? "ended" : "lost";
      }

      async function readForEver() {
        for (let failures = 0; !ending.signal.aborted; ) {
          const outcome = await readOnce();
          failures = outcome === "ended" ? 1 : failures + 1;
          const isUnknown = outcome === "no_station";
          const waitMs = isUnknown ? NO_STATION_PAUSE_MS : pauseMs(failures, world.random());
          tell({ state: isUnknown ? "no_station" : "lost", retryAt: world.now() + waitMs });
          await new Promise((/** @type {(_: void) => void} */ resolve) => {
            const timer = world.after(resolve, waitMs);
            wake = () => {
              world.cancel(timer);
              resolve();
            };
            ending.signal.addEventListener("abort", wake, { once: true });
          });
          wake = () => {};
          tell({ retryAt: null });
        }
      }

      tell({});
      void readForEver();
      return () => ending.abort();
    },
  };
}

/**
 * The server's clock minus ours, from the Date header (whole seconds: half a second is added);
 * 0 without the header.
 * @param {Response} response
 * @param {number} now
 * @returns {number} ms
 */
function offsetOf(response, now) {
  const stamp = Date.parse(response.headers.get("date") ?? "");
  return Number.isNaN(stamp) ? 0 : stamp + 500 - now;
}
