/** One connector: the frame that every state shares, around the face of its own state. */
import { h } from "./dom.js";
import { FACES } from "./faces.js";
import { icon } from "./icons.js";
import { agePart, billParts } from "./parts.js";

/** @typedef {import("./sight.js").Sight} Sight */
/** @typedef {import("./dom.js").Node_} Node_ */

/**
 * @param {Sight} sight
 * @returns {Node_}
 */
export function card(sight) {
  const { connector, words } = sight;
  const face = FACES[connector.status](sight);
  const number = connector.connector;
  const nameId = `name-${number}`;
  return h(
    "article",
    {
      class: "card",
      "aria-labelledby": nameId,
      "data-key": `${number} ${connector.status}`,
      "data-connector": number,
      "data-status": connector.status,
      "data-tone": face.tone,
      "data-old": String(sight.age.isOld),
    },
    h(
      "header",
      { class: "card-head" },
      h("span", { class: "disc" }, icon(face.icon)),
      h(
        "h2",
        { id: nameId },
        h("span", { class: "label" }, words.say("connector", { number })),
        " ",
        h("span", { class: "state", "data-field": "state" }, stateWords(sight)),
      ),
    ),
    face.lead !== null && h("p", { class: "lead" }, face.lead),
    face.body,
    billParts(sight),
    noticePart(sight),
    agePart(sight),
  );
}

/**
 * The state in two or three words, as shown and as read aloud.
 * @param {{connector: import("../feed/document.js").Connector, words: import("../words/words.js").Words}} sight
 * @returns {string}
 */
export function stateWords({ connector, words }) {
  const isCableOnly = connector.status === "Finishing" && connector.session === null;
  return words.say(isCableOnly ? "state.Finishing_idle" : `state.${connector.status}`);
}

/** What the station adds: an error that does not stop it, or a remark in its own words. @param {Sight} sight */
function noticePart({ connector, words }) {
  if (connector.status === "Faulted") return null;
  const advice = `notice.${connector.error_code}`;
  const reason = `info.${connector.info}`;
  const texts = [words.has(advice) ? words.say(advice) : null, words.has(reason) ? words.say(reason) : connector.info];
  const said = texts.filter((text) => text !== null && text !== "");
  return said.length > 0 && h("p", { class: "notice", "data-field": "info" }, said.join(" · "));
}
