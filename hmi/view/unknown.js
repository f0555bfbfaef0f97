/** Nobody has told us yet how this connector is. */

/** @param {import("./sight.js").Sight} sight @returns {import("./sight.js").Face} */
export function unknown(sight) {
  return { tone: "off", icon: "question", lead: sight.words.say("lead.Unknown"), body: [] };
}
