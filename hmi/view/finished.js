/** Done: what was taken, why it ended, and that the cable is still in. */
import { sessionParts } from "./parts.js";

/** @param {import("./sight.js").Sight} sight @returns {import("./sight.js").Face} */
export function finished(sight) {
  const { connector, words } = sight;
  const session = connector.session;
  if (session === null) {
    return { tone: "hold", icon: "plug", lead: words.say("lead.Finishing_idle"), body: [] };
  }
  const reason = `reason.${session.stop_reason ?? ""}`;
  const why = words.has(reason) ? `${words.say(reason)} ` : "";
  return {
    tone: "hold",
    icon: "check",
    lead: why + words.say("lead.Finishing"),
    body: sessionParts(sight, session),
  };
}
