/**
 * The driver page: picks the feed and the language, keeps the newest document, draws.
 *
 * Address: /c/{code} or ?station=CODE, else config.json names the station; ?replay=NAME plays
 * demo/NAME.json instead (&speed=N, &from=N); ?kiosk=1 for the station's own screen; ?connector=N
 * shows one connector; ?lang=xx. The front of a site (data-view="landing") is drawn from the same.
 */
import { supersedes } from "./feed/document.js";
import { feedOf, parseConfig, readConfig } from "./feed/feeds.js";
import { formatFor } from "./format.js";
import { keepKiosk, passingLink } from "./kiosk.js";
import { patch } from "./view/dom.js";
import { landing } from "./view/landing.js";
import { page } from "./view/page.js";
import { loadWords, localeOf, pickLanguage } from "./words/words.js";

const TICK_MS = 1000;

const query = new URLSearchParams(location.search);
const replay = query.get("replay");
const isKiosk = query.get("kiosk") === "1";
const view = document.body.dataset["view"] === "landing" ? landing : page;
const [configText, words] = await Promise.all([
  readConfig(),
  loadWords(pickLanguage([query.get("lang"), ...navigator.languages])),
]);
const config = parseConfig(configText);
const code = replay ?? stationCode() ?? config.station ?? null;
const format = formatFor(localeOf(words.language, navigator.languages));
const root = /** @type {Element} */ (document.getElementById("page"));
const spoken = /** @type {Element} */ (document.getElementById("spoken"));

/** @type {import("./feed/document.js").StatusDocument|null} */
let shown = null;
let shownConnection = 0;
/** @type {import("./feed/csms.js").Link} */
let link = { state: "connecting", connection: 0, heardAt: null, retryAt: null, offsetMs: 0 };

document.documentElement.lang = words.language;
document.body.classList.toggle("kiosk", isKiosk);
const connected = isKiosk ? keepKiosk(query, configText) : () => {};
root.replaceChildren();
draw();

if (code !== null) {
  const feed = replay === null ? feedOf(config, code) : await recorded(replay);
  const end = feed.subscribe(
    (document_) => {
      if (!supersedes(document_, shown, link.connection !== shownConnection)) return;
      shown = document_;
      shownConnection = link.connection;
      draw();
    },
    (changed) => {
      const isVisible = changed.state !== link.state || changed.retryAt !== link.retryAt;
      if (changed.connection !== link.connection) connected(changed.connection);
      link = changed;
      if (isVisible) draw();
    },
  );
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target.closest("[data-action]") : null;
    if (target?.getAttribute("data-action") === "retry") feed.retry();
  });
  window.addEventListener("online", () => feed.retry());
  window.addEventListener("pagehide", (event) => event.persisted || end());
  setInterval(draw, TICK_MS);
}

function draw() {
  const only = Number(query.get("connector"));
  const next = view({
    shown, link, code, words, format, languageLink, config,
    qr: isKiosk && config.qr ? new URL(config.qr, import.meta.url).href : null,
    only: Number.isInteger(only) && only > 0 ? only : null,
    now: Date.now(),
  });
  document.body.dataset["health"] = next.health;
  if (document.title !== next.title) document.title = next.title;
  patch(root, next.children);
  if (spoken.textContent !== next.spoken) spoken.textContent = next.spoken;
}

/** @returns {string|null} */
function stationCode() {
  const fromPath = /\/c\/([^/]+)\/?$/.exec(location.pathname)?.[1];
  const found = query.get("station") ?? (fromPath === undefined ? "" : decodeURIComponent(fromPath));
  return found === "" ? null : found;
}

/** @param {string} language */
function languageLink(language) {
  if (isKiosk) return passingLink(query, language);
  const asked = new URLSearchParams(query);
  asked.set("lang", language);
  return `?${asked}`;
}

/** @param {string} name of a recording; who watches a station does not load what plays it */
async function recorded(name) {
  const { replayFeed } = await import("./feed/replay.js");
  const speed = Number(query.get("speed") ?? 1);
  const from = Math.max(0, Math.floor(Number(query.get("from") ?? 0)) || 0);
  return replayFeed(name, { speed: speed > 0 ? speed : 1, from });
}
