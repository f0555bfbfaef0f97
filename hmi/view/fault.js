/** Something is wrong: what the driver can do, and the code to read out on the telephone. */
import { h } from "./dom.js";
import { sessionParts } from "./parts.js";

/** @param {import("./sight.js").Sight} sight @returns {import("./sight.js").Face} */
export function fault(sight) {
  const { connector, words } = sight;
  const advice = `fault.${connector.error_code}`;
  const codes = [connector.error_code, connector.info].filter((text) => text && text !== "NoError");
  return {
    tone: "bad",
    icon: "warning",
    lead: words.say(words.has(advice) ? advice : "fault.other"),
    body: [
      codes.length > 0 &&
        h("p", { class: "code", "data-field": "fault" }, words.say("fault.code"), " ", h("code", {}, codes.join(" · "))),
      ...(connector.session ? sessionParts(sight, connector.session) : []),
    ].filter((part) => part !== false),
  };
}
