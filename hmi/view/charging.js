/** Energy flows: how much, how fast, how long, what it costs so far. */
import { h } from "./dom.js";
import { sessionParts } from "./parts.js";

/** @param {import("./sight.js").Sight} sight @returns {import("./sight.js").Face} */
export function charging(sight) {
  const { connector, words } = sight;
  return {
    tone: "busy",
    icon: "bolt",
    lead: words.say("lead.Charging"),
    body: [
      h("div", { class: "flow", "aria-hidden": "true" }),
      ...(connector.session ? sessionParts(sight, connector.session) : []),
    ],
  };
}
