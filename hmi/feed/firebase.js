/**
 * The feed from the Realtime Database: EventSource on its REST streaming, no library.
 *
 * The bridge (`edge/bridge`) puts a station's document at public/CODE/status, and the server's time
 * at public/CODE/mirrored_at every 20 s. The database keeps no nulls and no empty lists; both are
 * restored here. What comes last is newest: the bridge lets nothing older in.
 */
import { pauseMs } from "./csms.js";
import { parseDocument } from "./document.js";

/** @typedef {import("./csms.js").Feed} Feed */
/** @typedef {import("./csms.js").Link} Link */

/**
 * What the feed needs of the world, so that tests can give another one.
 * @typedef {object} World
 * @property {(url: string) => EventSource} open
 * @property {() => number} now this device's clock (ms)
 * @property {() => number} random 0 to 1
 * @property {(action: () => void, ms: number) => unknown} after
 * @property {(timer: any) => void} cancel
 */

/** The database says keep-alive every 30 s: two missing ones mean the line is dead. */
export const QUIET_MS = 75_000;
/** Three missing proofs of the bridge: what stands in the database is looked after by nobody. */
export const UNKEPT_MS = 75_000;
/** As `NOTHING` of edge/bridge/document.py. */
const NOTHING = "nothing";

/** @type {World} */
const BROWSER = {
  open: (url) => new EventSource(url),
  now: () => Date.now(),
  random: () => Math.random(),
  after: (action, ms) => setTimeout(action, ms),
  cancel: (timer) => clearTimeout(timer),
};

/**
 * @param {string} code public code of the station
 * @param {string} database address of the Realtime Database
 * @param {World} [world]
 * @returns {Feed}
 */
export function firebaseFeed(code, database, world = BROWSER) {
  /** @type {() => void} */
  let wake = () => {};

  return {
    retry: () => wake(),
    subscribe(onStatus, onHealth) {
      let isEnded = false;
      let failures = 0;
      /** @type {() => void} */
      let hangUp = () => {};
      /** @type {unknown} */
      let retrying = null;
      /** @type {unknown} */
      let losing = null;
      /** @type {Link} */
      let link = { state: "connecting", connection: 0, heardAt: null, retryAt: null, offsetMs: 0 };
      const tell = (/** @type {Partial<Link>} */ change) => {
        link = { ...link, ...change };
        if (!isEnded) onHealth(link);
      };

      function connect() {
        world.cancel(retrying);
        wake = () => {};
        tell({ retryAt: null });
        let isFirst = true;
        let sequence = -1;
        /** @type {unknown} */
        let proof = null;
        hangUp = follow(addressOf(database, code), world, (place) => {
          failures = 0;
          if (place["status"] === undefined) {
            world.cancel(losing);
            return tell({ state: "no_station" });
          }
          const mirroredAt = Number(place["mirrored_at"] ?? 0);
          const isProof = !isFirst && mirroredAt > 0 && mirroredAt !== proof;
          proof = mirroredAt;
          // A proof that arrives live is of now; one that stood there is of any time but the future.
          const isAhead = mirroredAt > world.now() + link.offsetMs;
          if (isProof || isAhead) tell({ offsetMs: mirroredAt - world.now() });
          if (isFirst) tell({ connection: link.connection + 1 });
          vouch(isFirst ? mirroredAt - link.offsetMs : world.now());
          isFirst = false;
          const document = parseDocument(JSON.stringify(restored(place["status"])));
          if (document === null || isEnded) return;
          // A source that lost its counter was let in by the bridge: to the page it is a new line.
          if (document.sequence < sequence) tell({ connection: link.connection + 1 });
          sequence = document.sequence;
          onStatus(document);
        }, () => {
          failures += 1;
          const waitMs = pauseMs(failures, world.random());
          tell({ state: "lost", retryAt: world.now() + waitMs });
          world.cancel(losing);
          retrying = world.after(connect, waitMs);
          wake = connect;
        });
      }

      /** The bridge was alive at *at*, by this device's clock (ms); 0 or less: never. @param {number} at */
      function vouch(at) {
        world.cancel(losing);
        const leftMs = at + UNKEPT_MS - world.now();
        tell({ state: leftMs > 0 ? "open" : "lost", heardAt: at > 0 ? at : null });
        if (leftMs > 0) losing = world.after(() => tell({ state: "lost" }), leftMs);
      }

      tell({});
      connect();
      return () => {
        isEnded = true;
        hangUp();
        for (const timer of [retrying, losing]) world.cancel(timer);
      };
    },
  };
}

/**
 * Follow a place of the database until it is hung up, or the line ends.
 * @param {string} url
 * @param {World} world
 * @param {(place: Record<string, any>) => void} onChange is given the whole place
 * @param {() => void} onEnd
 * @returns {() => void} hangs up
 */
function follow(url, world, onChange, onEnd) {
  const source = world.open(url);
  /** @type {any} */
  let place = null;
  const hangUp = () => {
    world.cancel(silence);
    source.close();
  };
  const end = () => {
    hangUp();
    onEnd();
  };
  let silence = world.after(end, QUIET_MS);
  const hear = () => {
    world.cancel(silence);
    silence = world.after(end, QUIET_MS);
  };
  const change = (/** @type {MessageEvent} */ event) => {
    hear();
    try {
      const { path, data } = JSON.parse(event.data);
      const changes = event.type === "patch" ? Object.entries(data) : [["", data]];
      for (const [name, value] of changes) place = placed(place, `${path}/${name}`, value);
    } catch {
      return end();
    }
    onChange(place ?? {});
  };
  source.addEventListener("put", change);
  source.addEventListener("patch", change);
  source.addEventListener("keep-alive", hear);
  for (const name of ["error", "cancel", "auth_revoked"]) source.addEventListener(name, end);
  return hangUp;
}

/**
 * The value with another one at a path below it; nulls are taken out.
 * @param {any} whole
 * @param {string} path
 * @param {unknown} value
 * @returns {any}
 */
export function placed(whole, path, value) {
  const [first, ...rest] = path.split("/").filter((name) => name !== "");
  if (first === undefined) return value;
  const copy = typeof whole === "object" && whole !== null ? { ...whole } : {};
  const inner = placed(copy[first], rest.join("/"), value);
  if (inner === null || inner === undefined) delete copy[first];
  else copy[first] = inner;
  return copy;
}

/**
 * A document as it was told, from what the database keeps of it.
 * @param {any} kept
 * @returns {unknown}
 */
export function restored(kept) {
  const session = (/** @type {any} */ of) =>
    of ? { stopped_at: null, stop_reason: null, cost_minor: null, ...of } : null;
  const cost = (/** @type {any} */ of) => (of ? { price_text: null, amount: null, ...of } : null);
  const reason = (/** @type {any} */ of) => ({ since: null, until: null, ...of });
  const connector = (/** @type {any} */ of) => {
    const { why, ...rest } = of;
    const reasons = why === NOTHING ? [] : listed(why).map(reason);
    return {
      info: null, since: null, power_w: null, measured_at: null, ...rest,
      session: session(of.session), cost: cost(of.cost), ...(why === undefined ? {} : { why: reasons }),
    };
  };
  return {
    tariff: null, price_text: null, ...kept,
    station: { heard_at: null, ...kept?.station },
    connectors: listed(kept?.connectors).map(connector),
  };
}

/**
 * A list as the database gives it: a list, an object by number, or nothing for an empty one.
 * @param {any} value
 * @returns {any[]}
 */
function listed(value) {
  return Object.values(value ?? {}).filter((one) => one !== null);
}

/** @param {string} database @param {string} code @returns {string} */
function addressOf(database, code) {
  const url = new URL(database);
  url.pathname = `/public/${encodeURIComponent(code)}.json`;
  return url.href;
}
