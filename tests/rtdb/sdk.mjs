// The real JavaScript SDK as a client of the double: prints one JSON object of what it saw.
// Usage: node sdk.mjs DATABASE_URL; it writes a line "listening" and waits for one on standard input.
import { createRequire } from "node:module";

const require = createRequire(new URL("../../hmi/package.json", import.meta.url));
const { initializeApp } = require("@firebase/app");
const {
  forceWebSockets, get, getDatabase, goOffline, onDisconnect, onValue, push, ref, runTransaction,
  serverTimestamp, set, update,
} = require("@firebase/database");

forceWebSockets(); // after one failed try the SDK goes to long polling, which the double lacks
const database = getDatabase(initializeApp({ databaseURL: process.argv[2] }));
const at = (path) => ref(database, path);
const value = async (path) => (await get(at(path))).val();
const seen = {};

await set(at("js/kinds"), { text: "Zürich", number: 1.5, yes: true, list: ["a", "b"], none: null, empty: [] });
seen.kinds = await value("js/kinds");
await update(at("js"), { "deep/one": 1, "deep/two": 2 });
seen.deep = await value("js/deep");
await Promise.all([...Array(5)].map(() => runTransaction(at("js/count"), (old) => (old ?? 0) + 1)));
seen.count = await value("js/count");
await runTransaction(at("js/kinds"), (old) => (old === null ? null : { ...old, yes: false }));
seen.changed = (await value("js/kinds")).yes;
const pushed = await push(at("js/list"), { at: serverTimestamp() });
seen.pushed = await value(`js/list/${pushed.key}/at`);
seen.big = "x".repeat(100_000);
await set(at("js/big"), seen.big);
seen.big = (await value("js/big")).length;
await onDisconnect(at("js/gone")).set("closed");

const live = new Promise((resolve) => {
  onValue(at("public/LIVE"), (snapshot) => {
    if (snapshot.child("status/sequence").val() === 2) resolve(snapshot.val());
    else console.log("listening");
  });
});
seen.live = await live;
console.log(JSON.stringify(seen));
goOffline(database);
process.exit(0);
