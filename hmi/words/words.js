/**
 * The page's sentences in the driver's language; English fills in for what a language lacks.
 */

/** @typedef {"en"|"de"|"fr"|"it"|"id"|"hi"} Language */
/** @typedef {Readonly<Record<string, string>>} Book key to sentence, with {placeholders} */

/**
 * @typedef {object} Words
 * @property {Language} language
 * @property {(key: string, filling?: Record<string, string|number>) => string} say
 * @property {(key: string) => boolean} has
 */

/** Each language by its own name, in the order offered. @type {ReadonlyArray<[Language, string]>} */
export const LANGUAGES = [
  ["en", "English"], ["de", "Deutsch"], ["fr", "Français"],
  ["it", "Italiano"], ["id", "Indonesia"], ["hi", "हिन्दी"],
];

/**
 * The first wish that we speak; English if none.
 * @param {ReadonlyArray<string|null>} wishes BCP 47, best first
 * @returns {Language}
 */
export function pickLanguage(wishes) {
  for (const wish of wishes) {
    const short = wish?.toLowerCase().split(/[-_]/)[0];
    const found = LANGUAGES.find(([language]) => language === short);
    if (found) return found[0];
  }
  return "en";
}

/**
 * The reader's own variety of a language (en-GB, de-AT), for dates and decimals.
 * @param {Language} language
 * @param {ReadonlyArray<string>} wishes BCP 47, best first
 * @returns {string}
 */
export function localeOf(language, wishes) {
  return wishes.find((wish) => pickLanguage([wish]) === language && wish.startsWith(language)) ?? language;
}

/**
 * @param {Language} language
 * @param {Book} book
 * @param {Book} english
 * @returns {Words}
 */
export function wordsFrom(language, book, english) {
  const found = (/** @type {string} */ key) => book[key] ?? english[key];
  return {
    language,
    has: (key) => found(key) !== undefined,
    say: (key, filling = {}) =>
      (found(key) ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(filling[name] ?? whole)),
  };
}

/**
 * @param {Language} language
 * @returns {Promise<Words>}
 */
export async function loadWords(language) {
  const [english, book] = await Promise.all([loadBook("en"), language === "en" ? {} : loadBook(language)]);
  return wordsFrom(language, book, english);
}

/** @param {Language} language @returns {Promise<Book>} */
async function loadBook(language) {
  const response = await fetch(new URL(`./${language}.json`, import.meta.url));
  return response.ok ? response.json() : {};
}
