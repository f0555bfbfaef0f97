// What comes in: reading the stream, refusing what is older, mending the line.
import assert from "node:assert/strict";
import { test } from "node:test";

import { QUIET_MS, csmsFeed, pauseMs } from "../../hmi/feed/csms.js";
import { parseDocument, supersedes } from "../../hmi/feed/document.js";
import { MAX_PENDING_CHARS, eventReader } from "../../hmi/feed/sse.js";

const AT = "2025-06-14T09:30:00Z";

function documentOf(change = {}) {
  return {
    version: 1, source: "csms", sequence: 7, at: AT,
    station: { id: "K7PLM2QX", name: "Town Hall", online: true, heard_at: AT },
    tariff: null, connectors: [], ...change,
  };
}

test("events survive being cut anywhere, with any line ending", () => {
  const stream = 'id: 7\r\nevent: status\r\ndata: {"a":\r\ndata: 1}\r\n\r\n: still here\n\ndata: x\n\n';
  for (let cut = 0; cut <= stream.length; cut += 1) {
    const read = eventReader();
    const events = [...read(stream.slice(0, cut)), ...read(stream.slice(cut))];
    assert.deepEqual(events, [
      { name: "status", text: '{"a":\n1}', id: "7" },
      { name: "message", text: "x", id: "7" },
    ]);
  }
});

test("an event without end is refused before it fills the memory", () => {
  const read = eventReader();
  assert.throws(() => read(`data: ${"x".repeat(MAX_PENDING_CHARS)}`), RangeError);
});

test("what is not a status document is refused", () => {
  const bad = ["", "{", "[]", "null", '{"version":2}', JSON.stringify(documentOf({ at: "soon" }))];
  for (const text of bad) assert.equal(parseDocument(text), null, text);
  const halfSession = { connector: 1, status: "Charging", error_code: "NoError", session: { tag: "…1" } };
  assert.equal(parseDocument(JSON.stringify(documentOf({ connectors: [halfSession] }))), null);
  const priced = (cost) => JSON.stringify(documentOf({ connectors: [{ ...halfSession, session: null, cost }] }));
  assert.notEqual(parseDocument(priced({ price_text: null, amount: "1.35", final: true })), null);
  assert.notEqual(parseDocument(priced(null)), null);
  for (const cost of ["dear", { price_text: 5, amount: null }, { price_text: null, amount: 1.35 }, {}]) {
    assert.equal(parseDocument(priced(cost)), null);
  }
});

test("a status word of a later version is shown as unknown", () => {
  const later = { connector: 1, status: "Dreaming", error_code: "NoError", session: null };
  const read = parseDocument(JSON.stringify(documentOf({ connectors: [later] })));
  assert.equal(read.connectors[0].status, "Unknown");
});

test("an older or equal document never replaces a newer one on the same line", () => {
  const shown = documentOf();
  assert.equal(supersedes(documentOf(), shown, false), false);
  assert.equal(supersedes(documentOf({ sequence: 6, at: "2025-06-14T09:31:00Z" }), shown, false), false);
  assert.equal(supersedes(documentOf({ sequence: 8 }), shown, false), true);
  assert.equal(supersedes(documentOf({ sequence: 1 }), null, false), true);
});

test("after a reconnect a server that lost its counter is believed, a lagging copy is not", () => {
  const shown = documentOf();
  const restarted = documentOf({ sequence: 1, at: "2025-06-14T09:31:00Z" });
  const lagging = documentOf({ sequence: 6, at: "2025-06-14T09:29:00Z" });
  assert.equal(supersedes(restarted, shown, true), true);
  assert.equal(supersedes(lagging, shown, true), false);
});

test("the pause doubles, is spread, and ends at half a minute", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 60].map((n) => pauseMs(n, 0.5)), [1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  assert.equal(pauseMs(1, 0), 800);
  assert.equal(pauseMs(1, 1), 1200);
});

/** A world whose time passes only when told, and whose server says what the test says. */
function scripted(...answers) {
  const timers = new Map();
  let names = 0;
  const world = {
    asked: [],
    clock: Date.parse(AT),
    now: () => world.clock,
    random: () => 0.5,
    after: (action, ms) => (timers.set(++names, { action, due: world.clock + ms }), names),
    cancel: (name) => timers.delete(name),
    fetch: async (url, { signal }) => {
      world.asked.push(url);
      const answer = answers.shift() ?? (() => Promise.reject(new TypeError("refused")));
      return answer(signal);
    },
    async pass(ms) {
      await settled();
      world.clock += ms;
      for (const [name, { action, due }] of [...timers]) {
        if (due <= world.clock && timers.delete(name)) action();
      }
      await settled();
    },
  };
  return world;
}

/** Let every promise that can go on go on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A stream that says `text` and then stays open until it is cut. */
const streamOf = (text, headers = {}) => (signal) => {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      signal.addEventListener("abort", () => controller.error(new Error("cut")));
    },
  });
  return Promise.resolve(new Response(body, { status: 200, headers }));
};

const eventOf = (document) => `event: status\nid: ${document.sequence}\ndata: ${JSON.stringify(document)}\n\n`;

function follow(world) {
  const heard = { documents: [], links: [] };
  const feed = csmsFeed("K7 P", world);
  const end = feed.subscribe((d) => heard.documents.push(d.sequence), (link) => heard.links.push(link));
  return { feed, end, heard, last: () => heard.links.at(-1) };
}

test("a line that falls silent is given up after the quiet time and mended", async () => {
  const world = scripted(streamOf(eventOf(documentOf())), streamOf(eventOf(documentOf({ sequence: 8 }))));
  const { end, heard, last } = follow(world);
  await settled();
  assert.deepEqual(world.asked, ["/api/public/stations/K7%20P/events"]);
  assert.equal(last().state, "open");
  await world.pass(QUIET_MS);
  assert.equal(last().state, "lost");
  assert.equal(last().retryAt, world.clock + 1000);
  await world.pass(1000);
  assert.equal(last().state, "open");
  assert.deepEqual(heard.documents, [7, 8]);
  assert.equal(last().connection, 2);
  end();
});

test("a comment is a sign of life", async () => {
  let say;
  const world = scripted((signal) => {
    const body = new ReadableStream({
      start(controller) {
        say = (text) => controller.enqueue(new TextEncoder().encode(text));
        signal.addEventListener("abort", () => controller.error(new Error("cut")));
      },
    });
    return Promise.resolve(new Response(body));
  });
  const { end, last } = follow(world);
  await settled();
  for (let i = 0; i < 5; i += 1) {
    say(": still here\n\n");
    await world.pass(QUIET_MS - 1);
  }
  assert.equal(last().state, "open");
  end();
});

test("refusals back off, and the driver may ask at once", async () => {
  const world = scripted();
  const { feed, end, last } = follow(world);
  await settled();
  await world.pass(1000);
  await world.pass(2000);
  assert.equal(world.asked.length, 3);
  assert.equal(last().retryAt - world.clock, 4000);
  feed.retry();
  await settled();
  assert.equal(world.asked.length, 4);
  end();
});

test("a code that nobody has is said, not retried in a hurry", async () => {
  const world = scripted(() => Promise.resolve(new Response("", { status: 404 })));
  const { end, last } = follow(world);
  await settled();
  assert.equal(last().state, "no_station");
  assert.equal(last().retryAt - world.clock, 30_000);
  end();
});

test("the server's clock is taken from its Date header, else from the document", async () => {
  const ahead = new Date(Date.parse(AT) + 90_000).toUTCString();
  const withHeader = follow(scripted(streamOf(eventOf(documentOf()), { date: ahead })));
  await settled();
  assert.equal(withHeader.last().offsetMs, 90_500);
  withHeader.end();
  const future = documentOf({ at: "2025-06-14T09:35:00Z" });
  const without = follow(scripted(streamOf(eventOf(future))));
  await settled();
  assert.equal(without.last().offsetMs, 300_000);
  without.end();
});

test("an ended feed asks no more and says no more", async () => {
  const world = scripted();
  const { end, heard } = follow(world);
  await settled();
  end();
  const said = heard.links.length;
  await world.pass(60_000);
  assert.equal(world.asked.length, 1);
  assert.equal(heard.links.length, said);
});
