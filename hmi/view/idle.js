/** Free: the price before anything starts, and how to start. */
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { pricePart } from "./parts.js";

/** @param {import("./sight.js").Sight} sight @returns {import("./sight.js").Face} */
export function idle(sight) {
  const { words } = sight;
  return {
    tone: "free",
    icon: "plug",
    lead: null,
    body: [
      pricePart(sight),
      h("p", { class: "invite" }, h("span", {}, words.say("lead.Available")), icon("plug"), icon("card")),
    ],
  };
}
