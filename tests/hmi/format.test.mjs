// Numbers, money and times as a driver reads them.
import assert from "node:assert/strict";
import { test } from "node:test";

import { formatFor } from "../../hmi/format.js";

const english = formatFor("en-GB", "UTC");
const german = formatFor("de", "UTC");

test("energy below 100 kWh has two decimals, above one", () => {
  assert.equal(english.energy(0), "0.00");
  assert.equal(english.energy(12_345), "12.35");
  assert.equal(english.energy(123_456), "123.5");
  assert.equal(german.energy(1_500), "1,50");
});

test("power unknown is a dash and never a nought", () => {
  assert.equal(english.power(null), "–");
  assert.equal(english.power(0), "0.00");
  assert.equal(english.power(7_380), "7.4");
  assert.equal(english.power(450), "0.45");
});

test("money follows the currency's own number of digits", () => {
  assert.equal(english.money(423, "EUR"), "€4.23");
  assert.equal(english.money(423, "JPY"), "JP¥423");
  assert.equal(german.money(423, "EUR"), "4,23\u00a0€");
});

test("duration counts hours only when there are any and never below zero", () => {
  assert.equal(english.duration(0), "0:00");
  assert.equal(english.duration(247_999), "4:07");
  assert.equal(english.duration(3_847_000), "1:04:07");
  assert.equal(english.duration(-5_000), "0:00");
});

test("an age grows from seconds to days", () => {
  assert.match(english.ago(3), /^3 sec/);
  assert.match(english.ago(120), /^2 min/);
  assert.match(english.ago(3 * 3600), /^3 h/);
  assert.match(english.ago(3 * 86_400), /^3 day/);
  assert.match(german.ago(3), /^vor 3/);
});
