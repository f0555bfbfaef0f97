/**
 * Pieces that several states share: the big number, the facts beside it, the price, the steps.
 */
import { NOT_KNOWN } from "../format.js";
import { timeOf } from "../freshness.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {import("./sight.js").Sight} Sight */
/** @typedef {import("./sight.js").Session} Session */
/** @typedef {import("./dom.js").Node_} Node_ */
/** @typedef {import("./icons.js").Icon} Icon */

/**
 * The energy of a session, large, and what goes with it.
 * @param {Sight} sight
 * @param {Session} session
 * @returns {Node_[]}
 */
export function sessionParts(sight, session) {
  const { words, format } = sight;
  const said = sight.connector.cost?.price_text ?? null;
  const isOver = session.stopped_at !== null;
  const label = words.say(isOver ? "fact.energy_total" : "fact.energy");
  const amount = h("b", {}, format.energy(session.energy_wh));
  const value = h("span", { "data-field": "energy" }, amount, " ", h("span", { class: "unit" }, "kWh"));
  return [
    h("p", { class: "hero" }, h("span", { class: "label" }, label), " ", value),
    h(
      "dl",
      { class: "facts" },
      isOver ? null : fact(words.say("fact.power"), "power", `${format.power(sight.connector.power_w)} kW`),
      fact(words.say("fact.duration"), "duration", format.duration(spanMs(session, sight.at))),
      endFact(sight, session),
      costFact(sight, session),
      fact(words.say("fact.tag"), "tag", session.tag),
    ),
    ...(said === null ? [] : [saidPart(said)]),
  ];
}

/**
 * What a kilowatt-hour costs, before anything starts: to this driver, if the operator has told.
 * @param {Sight} sight
 * @returns {Node_}
 */
export function pricePart({ connector, tariff, priceText, words, format }) {
  const own = connector.cost?.final === false ? connector.cost.price_text : null;
  const said = own ?? (tariff === null ? priceText : null);
  if (said !== null) return saidPart(said);
  const marks = { class: tariff === null ? "price none unpriced" : "price", "data-field": "price" };
  if (tariff === null) return h("p", marks, words.say("price.none"));
  if (tariff.per_kwh_minor === 0) return h("p", marks, h("b", {}, words.say("price.free")));
  const amount = format.money(tariff.per_kwh_minor, tariff.currency);
  return h("p", marks, h("b", {}, amount), " ", h("span", { class: "unit" }, words.say("price.per_kwh")));
}

/**
 * Numbered steps with their pictures.
 * @param {ReadonlyArray<[Icon, string]>} steps
 * @returns {Node_}
 */
export function stepsPart(steps) {
  return h("ol", { class: "steps" }, steps.map(([name, text]) => h("li", {}, icon(name), h("span", {}, text))));
}

/**
 * @param {string} label
 * @param {string} field
 * @param {string} value
 * @param {string} [mark] a word about the value, such as "estimate"
 * @returns {Node_}
 */
function fact(label, field, value, mark) {
  return h(
    "div",
    { class: "fact" },
    h("dt", {}, label),
    h("dd", { "data-field": field }, value, mark !== undefined && [" ", h("span", { class: "mark" }, mark)]),
  );
}

/** @param {Sight} sight @param {Session} session */
function endFact({ words, format, offsetMs }, session) {
  const stoppedAt = timeOf(session.stopped_at);
  return stoppedAt !== null && fact(words.say("fact.ended"), "ended", format.clock(stoppedAt - offsetMs));
}

/** @param {string} said the operator's own words @returns {Node_} */
function saidPart(said) {
  return h("p", { class: "price none", "data-field": "price" }, said);
}

/** @param {Sight} sight @param {Session} session */
function costFact(sight, session) {
  const { words } = sight;
  const cost = costOf(sight, session);
  if (cost === null) return null;
  return cost.isFinal
    ? fact(words.say("fact.cost_final"), "cost", cost.amount)
    : fact(words.say("fact.cost"), "cost", cost.amount, words.say("mark.estimate"));
}

/** What the operator says goes before what follows from the tariff. @param {Sight} sight @param {Session} session */
function costOf({ connector, tariff, format }, session) {
  const said = connector.cost ?? null;
  if (said !== null && said.amount !== null) return { amount: said.amount, isFinal: said.final };
  if (tariff === null || session.cost_minor === null) return null;
  return { amount: format.money(session.cost_minor, tariff.currency), isFinal: session.cost_final };
}

/**
 * The bill of this session or of the one that is over, and its QR code: whose feed carries the words draws it, too.
 * @param {Sight} sight
 */
export function billParts({ connector, stationId, words }) {
  const cost = connector.cost ?? null;
  if (cost === null) return [];
  const isOver = cost.final && connector.session === null;
  const station = `/api/public/stations/${encodeURIComponent(stationId)}`;
  // The words stand in the address so that others are another picture.
  const src = `${station}/bill-${connector.connector}.svg?${new URLSearchParams({ of: cost.qr_code_text ?? "" })}`;
  return [
    isOver && cost.amount !== null && h("dl", { class: "facts" }, fact(words.say("fact.cost_final"), "cost", cost.amount)),
    isOver && cost.price_text !== null && h("p", { class: "said", "data-field": "said" }, cost.price_text),
    !!cost.qr_code_text && h("figure", { class: "bill" }, h("img", { src, alt: "" }), h("figcaption", {}, words.say("cost.bill"))),
  ];
}

/** @param {Session} session @param {number} at @returns {number} ms */
function spanMs(session, at) {
  const begin = timeOf(session.started_at) ?? at;
  return (timeOf(session.stopped_at) ?? at) - begin;
}

/**
 * The age line of a card.
 * @param {Sight} sight
 * @returns {Node_}
 */
export function agePart({ age, health, words, format }) {
  const ago = age.seconds === null ? NOT_KNOWN : format.ago(age.seconds);
  const clock = age.at === null ? NOT_KNOWN : format.clock(age.at);
  const key = age.seconds === null ? "age.never" : health === "live" ? `age.${age.kind}` : "age.last_known";
  return h(
    "p",
    { class: "age", "data-field": "age", "data-old": String(age.isOld) },
    icon(age.isOld ? "warning" : "clock"),
    h("span", {}, words.say(key, { ago, clock })),
  );
}
