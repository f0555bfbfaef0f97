// What is shown: pure functions from a status to a description of the page.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { STATUSES } from "../../hmi/feed/document.js";
import { formatFor } from "../../hmi/format.js";
import { OLD_AFTER_S, ageOf, healthOf, pictureTime } from "../../hmi/freshness.js";
import { textOf } from "../../hmi/view/dom.js";
import { landing } from "../../hmi/view/landing.js";
import { page } from "../../hmi/view/page.js";
import { LANGUAGES, localeOf, pickLanguage, wordsFrom } from "../../hmi/words/words.js";

const NOW = Date.parse("2025-06-14T09:30:00Z");
const ago = (seconds) => new Date(NOW - seconds * 1000).toISOString();
const book = (language) => JSON.parse(readFileSync(new URL(`../../hmi/words/${language}.json`, import.meta.url)));
const OPEN = { state: "open", connection: 1, heardAt: NOW, retryAt: null, offsetMs: 0 };

const SESSION = { tag: "…E580", started_at: ago(600), stopped_at: null, energy_wh: 1234, cost_minor: 60, cost_final: false };
const connectorOf = (change = {}) => ({
  connector: 1, status: "Available", error_code: "NoError", info: null, since: ago(600),
  power_w: null, measured_at: null, session: null, ...change,
});
const charging = (change = {}) =>
  connectorOf({ status: "Charging", power_w: 7380, measured_at: ago(2), session: SESSION, ...change });
const shownOf = (connector, station = {}) => ({
  version: 1, source: "csms", sequence: 1, at: ago(0),
  station: { id: "K7PLM2QX", name: "Town Hall", online: true, heard_at: ago(5), ...station },
  tariff: { currency: "EUR", per_kwh_minor: 49 }, connectors: [connector],
});

function draw(connector, { link = OPEN, station = {}, now = NOW, language = "en", change = {} } = {}) {
  const drawn = page({
    shown: { ...shownOf(connector, station), ...change }, link, code: "K7PLM2QX", only: null, now,
    words: wordsFrom(language, book(language), book("en")),
    format: formatFor(language, "UTC"), languageLink: (wanted) => `?lang=${wanted}`,
  });
  return { ...drawn, text: drawn.children.map(textOf).join(" "), field: (name) => fieldIn(drawn.children, name) };
}

const find = (children, tag) =>
  children.flatMap((one) => (one.tag === tag ? [one] : [find(one.children ?? [], tag)])).find((one) => one !== undefined);

function fieldIn(children, name) {
  for (const child of children) {
    if (typeof child === "string") continue;
    if (child.attributes["data-field"] === name) return textOf(child).replace(/\s+/g, " ");
    const deeper = fieldIn(child.children, name);
    if (deeper !== null) return deeper;
  }
  return null;
}

test("every status has a face, words and advice in every language", () => {
  for (const [language] of LANGUAGES) {
    for (const status of STATUSES) {
      const { text, field } = draw(connectorOf({ status }), { language });
      assert.doesNotMatch(text, /\b(state|lead|fact|age|step|fault)\.\w/, `${language} ${status}`);
      assert.notEqual(field("state"), "");
    }
  }
});

test("a station that speaks for itself is live, and says that nobody else hears it", () => {
  const alone = { change: { source: "edge" }, station: { online: false } };
  const drawn = draw(connectorOf(), alone);
  assert.equal(drawn.health, "live");
  assert.match(drawn.text, /operator cannot be reached/);
  assert.equal(drawn.field("why"), null);
  assert.equal(draw(connectorOf(), { ...alone, change: { source: "csms" } }).health, "stale");
  assert.equal(draw(connectorOf(), { ...alone, link: { ...OPEN, state: "lost" } }).health, "offline");
  assert.doesNotMatch(draw(connectorOf(), { change: { source: "edge" } }).text, /cannot be reached/);
});

test("a station that is alone says why, in the driver's words or for the telephone", () => {
  const why = (offline, language) =>
    draw(connectorOf(), { change: { source: "edge" }, station: { online: false, offline }, language }).field("why");
  assert.equal(why("the line to the central system broke", "it"), "La linea è appena caduta.");
  assert.equal(why("no TLS with the central system", "de"), "Für den Betreiber: no TLS with the central system");
  assert.equal(why(null, "en"), null);
});

test("a bill is a picture of the station's, another for other words, whatever they are", () => {
  const cost = (qr_code_text) => ({ price_text: null, amount: "3.30", final: true, qr_code_text });
  const image = (text) => find(draw(connectorOf({ connector: 2, cost: cost(text) })).children, "img");
  assert.equal(image("https://b.example/1").attributes.src, "/api/public/stations/K7PLM2QX/bill-2.svg?of=https%3A%2F%2Fb.example%2F1");
  assert.match(image("\ud83d").attributes.src, /of=%EF%BF%BD$/);
  const over = draw(connectorOf({ status: "Finishing", cost: { ...cost("x"), price_text: "Thank you" } }));
  assert.deepEqual([over.field("cost"), over.field("said")], ["3.30", "Thank you"]);
  for (const none of [null, "", undefined]) assert.equal(image(none), undefined);
  for (const [language] of LANGUAGES) {
    assert.doesNotMatch(draw(connectorOf({ cost: cost("x") }), { language }).text, /cost\.\w/, language);
  }
});

test("the front shows what the site knows, and a state only while it is told", () => {
  const front = (shown, link, language = "en") => {
    const drawn = landing({
      shown, link, code: "K7PLM2QX", only: null, now: NOW,
      words: wordsFrom(language, book(language), book("en")), format: formatFor(language, "UTC"),
      languageLink: (wanted) => `?lang=${wanted}`,
      config: { feed: "csms", name: "Yard", connectors: { 1: "Type 2", 7: "CCS" } },
    });
    return { ...drawn, text: drawn.children.map(textOf).join(" ") };
  };
  const told = front(shownOf(charging()), OPEN);
  assert.match(told.text, /Connector 1\s+· Type 2\s+Charging.*Connector 7\s+· CCS\s+State not known/);
  assert.match(told.title, /Town Hall/);
  for (const state of ["lost", "no_station"]) {
    const silent = front(shownOf(charging()), { ...OPEN, state });
    assert.match(silent.text, /cannot be told now.*Type 2\s+State not known/);
  }
  assert.match(front(null, { ...OPEN, state: "connecting" }).text, /Yard.*Connecting/);
  for (const [language] of LANGUAGES) {
    assert.doesNotMatch(front(null, { ...OPEN, state: "lost" }, language).text, /\b(landing|page|banner)\.\w/, language);
  }
});

test("every language has the same sentences with the same blanks", () => {
  const blanks = (sentence) => [...sentence.matchAll(/\{\w+\}/g)].map(String).sort();
  const english = book("en");
  for (const [language] of LANGUAGES) {
    const theirs = book(language);
    assert.deepEqual(Object.keys(theirs).sort(), Object.keys(english).sort(), language);
    for (const key of Object.keys(english)) assert.deepEqual(blanks(theirs[key]), blanks(english[key]), `${language} ${key}`);
  }
});

test("a free connector shows its price before anything starts", () => {
  const { field, text } = draw(connectorOf());
  assert.equal(field("price"), "€0.49 per kWh");
  assert.match(text, /Plug in, then tap your card/);
});

test("charging shows power, energy, duration, masked card and a cost marked as estimate", () => {
  const { field } = draw(charging());
  assert.equal(field("power"), "7.4 kW");
  assert.equal(field("energy"), "1.23 kWh");
  assert.equal(field("duration"), "10:00");
  assert.equal(field("tag"), "…E580");
  assert.equal(field("cost"), "€0.60 estimate");
});

test("a final cost is no estimate, and a stopped session's duration stands still", () => {
  const session = { ...SESSION, stopped_at: ago(60), stop_reason: "Local", cost_final: true };
  const { field, text } = draw(connectorOf({ status: "Finishing", session }), { now: NOW + 5000 });
  assert.equal(field("cost"), "€0.60");
  assert.equal(field("duration"), "9:00");
  assert.match(text, /Stopped with the card\. You can unplug now\./);
});

test("what the operator says of the price goes before the tariff", () => {
  const said = (cost) => draw(charging({ cost }));
  const soFar = said({ price_text: "0.49 EUR/kWh", amount: "1.35", final: false });
  assert.equal(soFar.field("cost"), "1.35 estimate");
  assert.equal(soFar.field("price"), "0.49 EUR/kWh");
  const final = said({ price_text: null, amount: "3.30", final: true });
  assert.equal(final.field("cost"), "3.30");
  assert.equal(final.field("price"), null);
  const told = { price_text: "for you: <b>free</b>", amount: null, final: false };
  assert.equal(said(told).field("cost"), "€0.60 estimate");
  assert.equal(draw(connectorOf({ status: "Preparing", cost: told })).field("price"), "for you: <b>free</b>");
});

test("without a tariff a free connector shows what the operator says to everybody", () => {
  const change = { tariff: null, price_text: "0.49 EUR/kWh" };
  assert.equal(draw(connectorOf(), { change }).field("price"), "0.49 EUR/kWh");
  assert.equal(draw(connectorOf(), { change: { price_text: "dear" } }).field("price"), "€0.49 per kWh");
  const last = { price_text: "3.30 EUR in all", amount: "3.30", final: true };
  assert.equal(draw(connectorOf({ cost: last }), { change }).field("price"), "0.49 EUR/kWh");
});

test("no number older than twenty seconds goes without a mark", () => {
  const aged = (seconds) => ageOf(charging({ measured_at: ago(seconds) }), shownOf(charging()), OPEN, "live", NOW);
  assert.equal(aged(OLD_AFTER_S).isOld, false);
  assert.equal(aged(OLD_AFTER_S + 1).isOld, true);
  const never = ageOf(charging({ measured_at: null }), shownOf(charging()), OPEN, "live", NOW);
  assert.equal(never.isOld, true);
});

test("ages are told by the feed's clock, whatever this device believes", () => {
  const wrong = { ...OPEN, offsetMs: 3_600_000 };
  const { seconds } = ageOf(charging(), shownOf(charging()), wrong, "live", NOW - 3_600_000);
  assert.equal(seconds, 2);
});

test("a lost line stops the duration at the last word heard", () => {
  const lost = { ...OPEN, state: "lost", heardAt: NOW - 30_000, retryAt: NOW + 2000 };
  const { field, health, text } = draw(charging(), { link: lost });
  assert.equal(health, "offline");
  assert.equal(field("duration"), "9:30");
  assert.match(field("outlook"), /^Connection lost at/);
  assert.match(text, /Next try in 2 s/);
});

test("a silent station is stale, with the time it was last heard", () => {
  const { field, health } = draw(charging(), { station: { online: false, heard_at: ago(90) } });
  assert.equal(health, "stale");
  assert.equal(field("duration"), "8:30");
  assert.match(field("age"), /^Last known at/);
  assert.match(field("outlook"), /last heard at/);
});

test("health names what is wrong first", () => {
  const shown = shownOf(connectorOf());
  assert.equal(healthOf(null, { ...OPEN, state: "connecting" }), "connecting");
  assert.equal(healthOf(null, OPEN), "connecting");
  assert.equal(healthOf(shown, OPEN), "live");
  assert.equal(healthOf(shown, { ...OPEN, state: "lost" }), "offline");
  assert.equal(healthOf(null, { ...OPEN, state: "no_station" }), "offline");
  assert.equal(pictureTime(shown, OPEN, "live", NOW), NOW);
});

test("a fault says what the driver can do and the code for the telephone", () => {
  const { text, field } = draw(connectorOf({ status: "Faulted", error_code: "GroundFailure", info: "RCD tripped" }));
  assert.match(text, /Leakage current/);
  assert.match(field("fault"), /GroundFailure · RCD tripped/);
});

test("an error that does not stop the connector is said beside its state", () => {
  assert.match(draw(connectorOf({ error_code: "ReaderFailure" })).field("info"), /card reader does not work/);
});

test("what is read aloud holds states and never a ticking number", () => {
  const first = draw(charging());
  const later = draw(charging({ power_w: 5000, session: { ...SESSION, energy_wh: 1300 } }), { now: NOW + 1000 });
  assert.equal(first.spoken, "Connector 1: Charging.");
  assert.equal(later.spoken, first.spoken);
});

test("the driver's language is the first wish we speak", () => {
  assert.equal(pickLanguage([null, "pt-BR", "de-AT", "en"]), "de");
  assert.equal(pickLanguage(["xx"]), "en");
  assert.equal(localeOf("de", ["fr", "de-AT"]), "de-AT");
  assert.equal(localeOf("hi", ["en"]), "hi");
});
