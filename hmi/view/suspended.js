/** The session lives, no energy flows: who holds it back, and what the driver can do. */
import { sessionParts } from "./parts.js";

/** @param {import("./sight.js").Sight} sight @returns {import("./sight.js").Face} */
export function suspended(sight) {
  const { connector, words } = sight;
  return {
    tone: "wait",
    icon: "pause",
    lead: words.say(`lead.${connector.status}`),
    body: connector.session ? sessionParts(sight, connector.session) : [],
  };
}
