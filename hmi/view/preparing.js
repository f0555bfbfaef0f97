/** One half of plug and card is there; the other is awaited. */
import { pricePart, stepsPart } from "./parts.js";

/** @param {import("./sight.js").Sight} sight @returns {import("./sight.js").Face} */
export function preparing(sight) {
  const { words } = sight;
  return {
    tone: "wait",
    icon: "hourglass",
    lead: words.say("lead.Preparing"),
    body: [
      pricePart(sight),
      stepsPart([["plug", words.say("step.plug_check")], ["card", words.say("step.tap_check")]]),
    ],
  };
}
