/** Kept for somebody: only their card starts it. */
import { pricePart } from "./parts.js";

/** @param {import("./sight.js").Sight} sight @returns {import("./sight.js").Face} */
export function reserved(sight) {
  return {
    tone: "hold",
    icon: "calendar",
    lead: sight.words.say("lead.Reserved"),
    body: [pricePart(sight)],
  };
}
