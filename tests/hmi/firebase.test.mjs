// The feed from the Realtime Database: restoring what it drops, whose time counts, mending the line.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { parseDocument } from "../../hmi/feed/document.js";
import { QUIET_MS, UNKEPT_MS, firebaseFeed, placed, restored } from "../../hmi/feed/firebase.js";

const STORY = JSON.parse(readFileSync(new URL("../../hmi/demo/session.json", import.meta.url), "utf8"));
const NOW = Date.parse("2025-06-14T09:30:00Z");
const OPTIONAL = { tariff: null, price_text: null };

/** As the database keeps a value: no nulls, no empty lists, lists as objects by number. */
function dropped(value) {
  if (typeof value !== "object" || value === null) return value ?? undefined;
  const entries = Object.entries(value).map(([name, one]) => [name, dropped(one)]);
  const kept = entries.filter(([, one]) => one !== undefined);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** A world with a clock that stands, timers run by hand and streams that the test speaks through. */
function worldOf(now = NOW) {
  const world = {
    time: now, streams: [], timers: new Set(), statuses: [], links: [],
    now: () => world.time,
    random: () => 0.5,
    after: (action, ms) => {
      const timer = { action, due: world.time + ms };
      world.timers.add(timer);
      return timer;
    },
    cancel: (timer) => world.timers.delete(timer),
    open: (url) => {
      const stream = { url, isOpen: true, listeners: {}, close: () => (stream.isOpen = false) };
      stream.addEventListener = (name, action) => (stream.listeners[name] = action);
      stream.say = (type, path, data) => stream.listeners[type]({ type, data: JSON.stringify({ path, data }) });
      world.streams.push(stream);
      return stream;
    },
    pass: (ms) => {
      const until = world.time + ms;
      for (;;) {
        const due = [...world.timers].filter((one) => one.due <= until).sort((a, b) => a.due - b.due)[0];
        if (due === undefined) break;
        world.timers.delete(due);
        world.time = due.due;
        due.action();
      }
      world.time = until;
    },
    get stream() { return world.streams.at(-1); },
    get link() { return world.links.at(-1); },
    get shown() { return world.statuses.at(-1)?.sequence; },
  };
  const feed = firebaseFeed("K7PLM2QX", "https://example.firebaseio.com", world);
  world.end = feed.subscribe((status) => world.statuses.push(status), (link) => world.links.push(link));
  world.retry = feed.retry;
  return world;
}

const placeOf = (mirroredAt, sequence = 7) =>
  ({ mirrored_at: mirroredAt, status: dropped({ ...STORY[0], sequence }) });

test("what the database drops is restored, of every recorded document", () => {
  for (const told of STORY) {
    const connectors = told.connectors.map((one) => ({ cost: null, ...one }));
    assert.deepEqual(parseDocument(JSON.stringify(restored(dropped(told)))), { ...OPTIONAL, ...told, connectors });
  }
  assert.deepEqual(restored({ sequence: 1 }).connectors, []);
  assert.equal(parseDocument(JSON.stringify(restored("nonsense"))), null);
  assert.equal(parseDocument(JSON.stringify(restored({ connectors: "x" }))), null);
});

test("no reasons and unknown reasons stay two things", () => {
  const one = (why) => restored({ connectors: [{ connector: 1, why }] }).connectors[0];
  assert.deepEqual(one("nothing").why, []);
  assert.equal("why" in one(undefined), false);
  const reason = { what: "no plug", owner: "driver", remedy: "plug in" };
  assert.deepEqual(one({ 0: reason }).why, [{ ...reason, since: null, until: null }]);
});

test("changes are put where they belong, nulls take away", () => {
  const whole = { a: { b: [1, 2] }, c: 3 };
  assert.deepEqual(placed(whole, "/", null), null);
  assert.deepEqual(placed(whole, "/a/b/1", 5), { a: { b: { 0: 1, 1: 5 } }, c: 3 });
  assert.deepEqual(placed(whole, "/c", null), { a: { b: [1, 2] } });
  assert.deepEqual(placed(null, "/x/y", 1), { x: { y: 1 } });
  assert.deepEqual(whole, { a: { b: [1, 2] }, c: 3 });
});

test("the address is the station's place in the database", () => {
  assert.equal(worldOf().stream.url, "https://example.firebaseio.com/public/K7PLM2QX.json");
});

test("what stands there and was vouched for a moment ago is open", () => {
  const world = worldOf();
  assert.equal(world.link.state, "connecting");
  world.stream.say("put", "/", placeOf(NOW - 5_000));
  assert.deepEqual([world.link.state, world.link.connection, world.shown], ["open", 1, 7]);
  assert.equal(world.link.heardAt, NOW - 5_000);
  world.stream.say("put", "/status", placeOf(0, 8).status);
  assert.deepEqual([world.link.heardAt, world.link.offsetMs, world.shown], [NOW, 0, 8]);
});

test("what nobody looks after any more is shown, and called lost", () => {
  const world = worldOf();
  world.stream.say("put", "/", placeOf(NOW - 600_000));
  assert.deepEqual([world.link.state, world.link.heardAt, world.shown], ["lost", NOW - 600_000, 7]);
  world.stream.say("patch", "/", { mirrored_at: NOW });
  assert.deepEqual([world.link.state, world.link.heardAt], ["open", NOW]);
});

test("what was never vouched for has no time of its own", () => {
  const world = worldOf();
  world.stream.say("put", "/", { status: placeOf(0).status });
  assert.deepEqual([world.link.state, world.link.heardAt, world.shown], ["lost", null, 7]);
});

test("a bridge that falls silent is noticed though the database keeps the line alive", () => {
  const world = worldOf();
  world.stream.say("put", "/", placeOf(NOW));
  for (let waited = 0; waited < UNKEPT_MS; waited += 25_000) {
    assert.equal(world.link.state, "open");
    world.pass(25_000);
    world.stream.listeners["keep-alive"]({ type: "keep-alive", data: "null" });
  }
  assert.deepEqual([world.link.state, world.link.heardAt], ["lost", NOW]);
  assert.equal(world.streams.length, 1);
  world.stream.say("put", "/mirrored_at", NOW + UNKEPT_MS);
  assert.equal(world.link.state, "open");
});

test("the database's clock counts, whatever this device's says", () => {
  const late = worldOf(NOW - 3_600_000);
  late.stream.say("put", "/", placeOf(NOW));
  assert.deepEqual([late.link.state, late.link.offsetMs], ["open", 3_600_000]);
  const early = worldOf(NOW + 3_600_000);
  early.stream.say("put", "/", placeOf(NOW));
  assert.equal(early.link.state, "lost");
  early.stream.say("put", "/mirrored_at", NOW + 20_000);
  assert.deepEqual([early.link.state, early.link.offsetMs], ["open", 20_000 - 3_600_000]);
});

test("a station that is taken away is no station, until it comes back", () => {
  const world = worldOf();
  world.stream.say("put", "/", placeOf(NOW));
  world.stream.say("put", "/", null);
  world.pass(UNKEPT_MS - 1);
  assert.deepEqual([world.link.state, world.link.offsetMs], ["no_station", 0]);
  world.stream.say("put", "/", placeOf(NOW + UNKEPT_MS - 1));
  assert.deepEqual([world.link.state, world.link.offsetMs, world.streams.length], ["open", 0, 1]);
  world.stream.say("put", "/mirrored_at", null);
  assert.deepEqual([world.link.state, world.link.offsetMs], ["open", 0]);
});

test("a source that counts anew is a new line to the page", () => {
  const world = worldOf();
  world.stream.say("put", "/", placeOf(NOW, 900));
  world.stream.say("put", "/status", placeOf(0, 901).status);
  assert.equal(world.link.connection, 1);
  world.stream.say("put", "/status", placeOf(0, 1).status);
  assert.deepEqual([world.link.connection, world.shown], [2, 1]);
});

test("a silent, broken, cancelled or absurd line is dialled again, ever later", () => {
  const world = worldOf();
  world.stream.say("put", "/", placeOf(NOW));
  world.pass(QUIET_MS);
  assert.deepEqual([world.link.state, world.link.retryAt, world.stream.isOpen], ["lost", world.time + 1_000, false]);
  const breaks = [
    (stream) => stream.listeners.error({}),
    (stream) => stream.listeners.cancel({}),
    (stream) => stream.listeners.put({ type: "put", data: "{" }),
  ];
  const pauses = breaks.map((act) => {
    world.pass(world.link.retryAt - world.time);
    act(world.stream);
    return world.link.retryAt - world.time;
  });
  assert.deepEqual(pauses, [2_000, 4_000, 8_000]);
  assert.equal(world.streams.filter((one) => one.isOpen).length, 0);
  world.retry();
  world.stream.say("put", "/", placeOf(world.time, 7));
  assert.deepEqual([world.link.state, world.link.connection, world.streams.length], ["open", 2, 5]);
  world.pass(60_000);
  assert.equal(world.streams.length, 5);
});

test("who unsubscribes leaves no line and no timer", () => {
  const world = worldOf();
  world.stream.say("put", "/", placeOf(NOW));
  world.end();
  assert.equal(world.stream.isOpen, false);
  assert.equal(world.timers.size, 0);
});
