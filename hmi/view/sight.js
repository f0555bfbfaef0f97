/**
 * What a view is given and what it gives back.
 */

/** @typedef {import("../feed/document.js").Connector} Connector */
/** @typedef {import("../feed/document.js").Session} Session */
/** @typedef {import("../feed/document.js").Tariff} Tariff */
/** @typedef {import("../format.js").Format} Format */
/** @typedef {import("../freshness.js").Age} Age */
/** @typedef {import("../freshness.js").Health} Health */
/** @typedef {import("../words/words.js").Words} Words */
/** @typedef {import("./dom.js").Child} Child */
/** @typedef {import("./dom.js").Node_} Node_ */
/** @typedef {import("./icons.js").Icon} Icon */

/**
 * One connector as the page sees it now.
 * @typedef {object} Sight
 * @property {string} stationId public code
 * @property {Connector} connector
 * @property {Tariff|null} tariff
 * @property {string|null} priceText what anybody pays here, in the operator's words
 * @property {Age} age
 * @property {Health} health
 * @property {number} offsetMs what to add to this device's clock to get the feed's
 * @property {number} at the moment the picture belongs to, by the feed's clock (ms)
 * @property {Words} words
 * @property {Format} format
 */

/** Colour family; never the only sign: icon and words say the same. @typedef {"free"|"busy"|"wait"|"hold"|"bad"|"off"} Tone */

/**
 * What a state looks like; the card around it is the same for all.
 * @typedef {object} Face
 * @property {Tone} tone
 * @property {Icon} icon
 * @property {string|null} lead one sentence: what it means for the driver, what to do
 * @property {Child[]} body
 */

export {};
