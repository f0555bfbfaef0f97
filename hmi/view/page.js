/** The whole page: who this is, how fresh, one card per connector, the languages. */
import { ageOf, healthOf, pictureTime } from "../freshness.js";
import { LANGUAGES } from "../words/words.js";
import { card, stateWords } from "./card.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { banner, outlookWords } from "./offline.js";

/** @typedef {import("./dom.js").Node_} Node_ */

/**
 * All that the page shows follows from this.
 * @typedef {object} Picture
 * @property {import("../feed/document.js").StatusDocument|null} shown
 * @property {import("../feed/csms.js").Link} link
 * @property {string|null} code
 * @property {number|null} only show this connector alone
 * @property {number} now this device's clock (ms)
 * @property {import("../words/words.js").Words} words
 * @property {import("../format.js").Format} format
 * @property {(language: string) => string} languageLink
 * @property {string|null} [qr] a kiosk's: the picture of where the page is on the internet
 */

/**
 * @param {Picture} picture
 * @returns {{children: Node_[], health: import("../freshness.js").Health, spoken: string, title: string}}
 *   spoken: what a screen reader is told when it changes; states only, never a ticking number
 */
export function page(picture) {
  const { shown, words } = picture;
  const health = picture.code === null ? "offline" : healthOf(shown, picture.link);
  const strip = banner({ ...picture, health });
  const cards = shown === null ? [] : connectorsOf(picture).map((connector) => card(sightOf(picture, shown, connector, health)));
  const name = shown?.station.name || words.say("page.name");
  const states = connectorsOf(picture).map(
    (c) => `${words.say("connector", { number: c.connector })}: ${stateWords({ connector: c, words })}.`,
  );
  return {
    health,
    title: `${name} · Tapwatt`,
    spoken: [health === "live" ? "" : outlookWords({ ...picture, health }), ...states].join(" ").trim(),
    children: [
      header(name, health, words),
      h(
        "main",
        { "data-key": "main" },
        h("div", { "data-key": "strip" }, strip),
        h("div", { class: "cards", "data-key": "cards", "data-count": cards.length }, cards),
        picture.qr && qrPart(picture.qr, words.say("page.on_your_phone")),
      ),
      footer(picture),
    ],
  };
}

/** @param {Picture} picture */
function connectorsOf({ shown, only }) {
  const all = shown?.connectors ?? [];
  const chosen = only === null ? all : all.filter((c) => c.connector === only);
  return [...(chosen.length > 0 ? chosen : all)].sort((a, b) => a.connector - b.connector);
}

/**
 * @param {Picture} picture
 * @param {import("../feed/document.js").StatusDocument} shown
 * @param {import("../feed/document.js").Connector} connector
 * @param {import("../freshness.js").Health} health
 * @returns {import("./sight.js").Sight}
 */
export function sightOf({ link, now, words, format }, shown, connector, health) {
  return {
    stationId: shown.station.id,
    connector,
    tariff: shown.tariff ?? null,
    priceText: shown.price_text ?? null,
    age: ageOf(connector, shown, link, health, now),
    health,
    offsetMs: link.offsetMs,
    at: pictureTime(shown, link, health, now),
    words,
    format,
  };
}

/**
 * A QR code with what it is for.
 * @param {string} src
 * @param {string} text
 * @returns {Node_}
 */
export function qrPart(src, text) {
  return h("figure", { class: "qr", "data-key": "qr" }, h("img", { src, alt: "" }), h("figcaption", {}, text));
}

/** @param {string} name @param {string} health @param {import("../words/words.js").Words} words */
export function header(name, health, words) {
  return h(
    "header",
    { class: "top", "data-key": "top" },
    h("span", { class: "logo" }, icon("bolt")),
    h("h1", {}, name),
    h("p", { class: "health" }, h("span", { class: "dot", "aria-hidden": "true" }), h("span", {}, words.say(`health.${health}`))),
  );
}

/** @param {Pick<Picture, "shown"|"words"|"languageLink">} picture */
export function footer({ shown, words, languageLink }) {
  const offered = LANGUAGES.map(([language, name]) =>
    h("a", { href: languageLink(language), lang: language, hreflang: language, "aria-current": language === words.language && "true" }, name),
  );
  return h(
    "footer",
    { class: "foot", "data-key": "foot" },
    h("nav", { "aria-label": words.say("page.languages") }, offered),
    h(
      "p",
      {},
      h("span", { class: "estimates" }, words.say("page.estimates")),
      shown !== null && [" ", h("span", { class: "station-code" }, shown.station.id)],
    ),
  );
}
