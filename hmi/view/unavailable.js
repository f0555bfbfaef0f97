/** Taken out of service by the operator or by the station itself. */

/** @param {import("./sight.js").Sight} sight @returns {import("./sight.js").Face} */
export function unavailable(sight) {
  return { tone: "off", icon: "closed", lead: sight.words.say("lead.Unavailable"), body: [] };
}
