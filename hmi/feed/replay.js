/**
 * A recorded story played as if it happened now: for demonstrations, screenshots and design work.
 * A recording is a JSON list of status documents; their `at` gives the rhythm.
 */
import { parseDocument } from "./document.js";

/** @typedef {import("./csms.js").Feed} Feed */
/** @typedef {import("./csms.js").Link} Link */
/** @typedef {import("./document.js").StatusDocument} StatusDocument */

/** How long the last picture stands before the story begins again. */
const REST_MS = 8_000;
/** A long quiet stretch of a recording is shortened to this. */
const LONGEST_GAP_MS = 15_000;

/**
 * @param {string} name of a file in demo/, letters, digits, "-" and "_" only
 * @param {{speed: number, from: number}} pace how many times faster than life, and which document first
 * @returns {Feed}
 */
export function replayFeed(name, pace) {
  const file = new URL(`../demo/${name.replace(/[^\w-]/g, "")}.json`, import.meta.url);
  return {
    retry: () => {},
    subscribe(onStatus, onHealth) {
      let timer = 0;
      let isEnded = false;
      const lost = (/** @type {Link["state"]} */ state) =>
        onHealth({ state, connection: 0, heardAt: null, retryAt: null, offsetMs: 0 });

      /** @param {StatusDocument[]} story @param {number} index @param {number} round */
      function play(story, index, round) {
        const document = story[index];
        if (document === undefined || isEnded) return;
        const now = Date.now();
        const offsetMs = Date.parse(document.at) - now;
        // Each round counts as a new connection, and its numbers go on rising.
        const sequence = document.sequence + round * 1_000_000;
        onHealth({ state: "open", connection: round + 1, heardAt: now, retryAt: null, offsetMs });
        onStatus({ ...document, sequence });
        const next = story[index + 1];
        const gapMs = next ? Date.parse(next.at) - Date.parse(document.at) : REST_MS;
        const waitMs = Math.min(gapMs, LONGEST_GAP_MS) / pace.speed;
        timer = setTimeout(() => {
          if (next) play(story, index + 1, round);
          else play(story, 0, round + 1);
        }, waitMs);
      }

      lost("connecting");
      fetch(file)
        .then((response) => (response.ok ? response.json() : []))
        .then((/** @type {unknown[]} */ list) => {
          const story = list.flatMap((item) => parseDocument(JSON.stringify(item)) ?? []);
          if (story.length === 0) lost("no_station");
          else play(story, Math.min(pace.from, story.length - 1), 0);
        })
        .catch(() => lost("lost"));
      return () => {
        isEnded = true;
        clearTimeout(timer);
      };
    },
  };
}
