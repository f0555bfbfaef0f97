// Evaluates database.rules.json by targaryen: a list of questions on standard input, answers out.
// A question is {rules, data, now, auth, path, operation: "read"|"write"|"update", value}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../hmi/package.json", import.meta.url));
const targaryen = require("targaryen");

const { rules, data, now, questions } = JSON.parse(readFileSync(0, "utf8"));
const database = targaryen.database(rules, data, now);
const answers = questions.map(({ auth, path, operation, value }) => {
  const asked = database.as(auth);
  if (operation === "read") return asked.read(path).allowed;
  if (operation === "update") return asked.update(path, value, { now }).allowed;
  return asked.write(path, value, { now }).allowed;
});
console.log(JSON.stringify(answers));
