// Which feed, and the ways of the station's own screen.
import assert from "node:assert/strict";
import { test } from "node:test";

import { feedOf, parseConfig } from "../../hmi/feed/feeds.js";
import { passingLink, restOf } from "../../hmi/kiosk.js";

const query = (text) => new URLSearchParams(text);

test("a language that was chosen on the screen passes, whatever was chosen before it", () => {
  const italian = passingLink(query("kiosk=1&lang=de"), "it");
  assert.equal(italian, "?kiosk=1&lang=it&home=de");
  const hindi = passingLink(query(italian.slice(1)), "hi");
  assert.equal(restOf(query(hindi.slice(1))), "?kiosk=1&lang=de");
  const fromNone = passingLink(query("kiosk=1"), "fr");
  assert.equal(restOf(query(fromNone.slice(1))), "?kiosk=1");
});

test("a screen at rest goes nowhere", () => {
  assert.equal(restOf(query("kiosk=1&lang=de")), null);
});

test("a page without a configuration reads the central system that served it", () => {
  for (const text of ["", "<!doctype html>", "null"]) assert.equal(parseConfig(text).feed, "csms", text);
  assert.equal(parseConfig('{"feed": "edge", "station": "TOWN"}').station, "TOWN");
});

test("each feed of the table is one, and a name that is none is told", () => {
  for (const feed of ["csms", "edge", "firebase"]) {
    const found = feedOf({ feed, database: "https://a.firebaseio.com" }, "TOWN");
    assert.deepEqual(Object.keys(found).sort(), ["retry", "subscribe"], feed);
  }
  assert.throws(() => feedOf({ feed: "toString" }, "TOWN"), /toString/);
});
