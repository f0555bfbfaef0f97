/**
 * The status document as the page reads it: types, a careful parse, and which of two is newer.
 * The contract is status.schema.json; this checks only what the page would trip over.
 */

/** @typedef {"Available"|"Preparing"|"Charging"|"SuspendedEV"|"SuspendedEVSE"|"Finishing"|"Reserved"|"Unavailable"|"Faulted"|"Unknown"} Status */

/**
 * @typedef {object} Session
 * @property {string} tag masked: an ellipsis and the last four characters
 * @property {string} started_at
 * @property {string|null} stopped_at
 * @property {string|null} [stop_reason]
 * @property {number} energy_wh
 * @property {number|null} cost_minor
 * @property {boolean} cost_final
 */

/**
 * @typedef {object} Connector
 * @property {number} connector
 * @property {Status} status
 * @property {string} error_code
 * @property {string|null} info
 * @property {string|null} since
 * @property {number|null} power_w
 * @property {string|null} measured_at
 * @property {Session|null} session
 * @property {Cost|null} [cost] what the operator says of the price of this session or the last
 */

/**
 * @typedef {object} Cost
 * @property {string|null} price_text
 * @property {string|null} amount a decimal; the operator's words name its currency
 * @property {boolean} final
 * @property {string|null} [qr_code_text] to be shown as a QR code
 */

/** @typedef {{currency: string, per_kwh_minor: number}} Tariff */

/**
 * @typedef {object} StatusDocument
 * @property {1} version
 * @property {"csms"|"edge"} source
 * @property {number} sequence
 * @property {string} at
 * @property {{id: string, name: string, online: boolean, heard_at: string|null, offline?: string|null}} station
 *   offline: what keeps it and its central system apart
 * @property {Tariff|null} [tariff]
 * @property {string|null} [price_text] what anybody pays here, in the operator's words
 * @property {Connector[]} connectors
 */

/** @type {ReadonlyArray<Status>} */
export const STATUSES = [
  "Available", "Preparing", "Charging", "SuspendedEV", "SuspendedEVSE",
  "Finishing", "Reserved", "Unavailable", "Faulted", "Unknown",
];

/**
 * Read one document from JSON; null if it is not one that this page understands.
 * A status word from a later version is shown as Unknown rather than refused.
 * @param {string} text
 * @returns {StatusDocument|null}
 */
export function parseDocument(text) {
  /** @type {any} */
  let raw;
  try {
    raw = JSON.parse(text);
  } catch {
    return null;
  }
  const isOurs =
    isRecord(raw) && raw["version"] === 1 &&
    Number.isInteger(raw["sequence"]) && isTime(raw["at"]) &&
    isRecord(raw["station"]) && typeof raw["station"]["id"] === "string" &&
    Array.isArray(raw["connectors"]) && raw["connectors"].every(isConnector);
  if (!isOurs) return null;
  const known = (/** @type {Connector} */ c) =>
    STATUSES.includes(c.status) ? c : { ...c, status: /** @type {Status} */ ("Unknown") };
  return { ...raw, connectors: raw.connectors.map(known) };
}

/**
 * May `next` replace `shown`?
 * Within one connection the sequence decides. After a reconnect a later `at` counts too, so that a
 * station or server that lost its counter is not ignored for ever, while a lagging copy still is.
 * @param {StatusDocument} next
 * @param {StatusDocument|null} shown
 * @param {boolean} isReconnected
 * @returns {boolean}
 */
export function supersedes(next, shown, isReconnected) {
  if (shown === null) return true;
  const isLater = Date.parse(next.at) > Date.parse(shown.at);
  if (next.station.id !== shown.station.id || next.source !== shown.source) return isLater;
  return next.sequence > shown.sequence || (isReconnected && isLater);
}

/** @param {unknown} value @returns {value is Record<string, any>} */
function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {unknown} value @returns {value is string} */
function isTime(value) {
  return typeof value === "string" && !Number.isNaN(Date.parse(value));
}

/** @param {unknown} value @returns {boolean} */
function isCost(value) {
  if (value === undefined || value === null) return true;
  const isText = (/** @type {unknown} */ text) => text === null || typeof text === "string";
  return isRecord(value) && isText(value["price_text"]) && isText(value["amount"]) && isText(value["qr_code_text"] ?? null);
}

/** @param {unknown} value @returns {boolean} */
function isConnector(value) {
  if (!isRecord(value) || !Number.isInteger(value["connector"])) return false;
  if (typeof value["status"] !== "string" || typeof value["error_code"] !== "string") return false;
  if (!isCost(value["cost"])) return false;
  const session = value["session"];
  return session === null ||
    (isRecord(session) && isTime(session["started_at"]) && Number.isFinite(session["energy_wh"]));
}
