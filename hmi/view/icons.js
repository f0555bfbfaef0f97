/**
 * The page's pictures: strokes on a 24 by 24 grid in the colour of the text around them.
 */
import { h } from "./dom.js";

/** @typedef {import("./dom.js").Node_} Node_ */

const STROKES = {
  plug: ["M9 3v5M15 3v5", "M6 8h12v3a6 6 0 0 1-12 0z", "M12 17v4"],
  bolt: ["M13 2.5 5 13.5h6l-1 8 9-12h-6.5z"],
  check: ["M4.5 12.5 10 18 19.5 7"],
  hourglass: ["M6 3h12M6 21h12", "M7.5 3v3.5L12 12l-4.5 5.5V21M16.5 3v3.5L12 12l4.5 5.5V21"],
  pause: ["M8.5 5v14M15.5 5v14"],
  calendar: ["M4 6h16v14H4z", "M4 10.5h16M8.5 3v4M15.5 3v4", "m9 15.5 2 2 4-4"],
  closed: ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z", "M7.5 12h9"],
  warning: ["M12 3.5 2.5 20h19z", "M12 10v4.5M12 17.2v.3"],
  question: ["M8.5 9a3.5 3.5 0 1 1 5 3.2c-1 .5-1.5 1.2-1.5 2.3", "M12 18.2v.3"],
  silent: ["M3 3l18 18", "M5 12.5a10 10 0 0 1 4.5-2.6M19 12.5a10 10 0 0 0-3.5-2.3", "M2 9a14.5 14.5 0 0 1 5-3M22 9A14.5 14.5 0 0 0 11 5", "M8.5 16a5 5 0 0 1 7 0M12 19.7v.3"],
  card: ["M3 6.5h18v11H3z", "M3 10.5h18M6.5 14.5H10"],
  clock: ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z", "M12 7v5l3.5 2"],
};

/** @typedef {keyof typeof STROKES} Icon */

/**
 * A decorative picture: the words beside it say the same.
 * @param {Icon} name
 * @returns {Node_}
 */
export function icon(name) {
  const drawing = { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" };
  return h("svg", { ...drawing, "data-icon": name }, STROKES[name].map((d) => h("path", { d })));
}
