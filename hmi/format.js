/**
 * Numbers, money and times in the driver's own notation. Units last, never a bare number.
 */

/** Shown where a value is not known. */
export const NOT_KNOWN = "–";

/**
 * @typedef {object} Format
 * @property {(wh: number) => string} energy in kWh, without the unit
 * @property {(w: number|null) => string} power in kW, without the unit
 * @property {(minor: number, currency: string) => string} money
 * @property {(ms: number) => string} duration
 * @property {(seconds: number) => string} ago
 * @property {(ms: number) => string} clock
 */

/**
 * @param {string} language BCP 47
 * @param {string} [timeZone] IANA name; this device's own without it
 * @returns {Format}
 */
export function formatFor(language, timeZone) {
  const decimals = (/** @type {number} */ digits) =>
    new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const one = decimals(1);
  const two = decimals(2);
  const relative = new Intl.RelativeTimeFormat(language, { style: "short", numeric: "always" });
  const zone = timeZone === undefined ? {} : { timeZone };
  const time = new Intl.DateTimeFormat(language, { timeStyle: "medium", ...zone });
  const dayAndTime = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short", ...zone });

  return {
    energy: (wh) => (wh < 100_000 ? two : one).format(wh / 1000),
    power: (w) => (w === null ? NOT_KNOWN : (Math.abs(w) < 1000 ? two : one).format(w / 1000)),
    money: (minor, currency) => moneyText(language, minor, currency),
    duration: durationText,
    ago: (seconds) => agoText(relative, seconds),
    clock: (ms) => (Math.abs(Date.now() - ms) < 43_200_000 ? time : dayAndTime).format(ms),
  };
}

/**
 * Minor units to the currency's own notation; ISO 4217 says how many digits a currency has.
 * @param {string} language
 * @param {number} minor
 * @param {string} currency
 */
function moneyText(language, minor, currency) {
  const notation = new Intl.NumberFormat(language, { style: "currency", currency });
  const digits = notation.resolvedOptions().maximumFractionDigits ?? 2;
  return notation.format(minor / 10 ** digits);
}

/**
 * "4:07" or "1:04:07"; a negative span is 0:00.
 * @param {number} ms
 */
function durationText(ms) {
  const total = Math.max(0, Math.floor(ms / 1000));
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/**
 * @param {Intl.RelativeTimeFormat} relative
 * @param {number} seconds
 */
function agoText(relative, seconds) {
  if (seconds < 100) return relative.format(-seconds, "second");
  if (seconds < 100 * 60) return relative.format(-Math.round(seconds / 60), "minute");
  if (seconds < 48 * 3600) return relative.format(-Math.round(seconds / 3600), "hour");
  return relative.format(-Math.round(seconds / 86_400), "day");
}
