/**
 * Descriptions of elements, and the one function that makes the page agree with them.
 * Text only ever becomes a text node: nothing a station says can become markup.
 */

/**
 * @typedef {object} Node_
 * @property {string} tag
 * @property {Readonly<Record<string, string>>} attributes
 * @property {ReadonlyArray<Child>} children
 */
/** @typedef {Node_|string} Child */
/** @typedef {Child|null|undefined|false} MaybeChild */

const SVG = "http://www.w3.org/2000/svg";
/** @type {ReadonlySet<string>} */
const SVG_TAGS = new Set(["svg", "path", "circle", "rect"]);

/**
 * Describe an element. Attributes that are undefined or false are left out, true is an empty one.
 * @param {string} tag
 * @param {Readonly<Record<string, string|number|boolean|undefined>>} attributes
 * @param {...(MaybeChild|ReadonlyArray<MaybeChild>)} children
 * @returns {Node_}
 */
export function h(tag, attributes, ...children) {
  /** @type {Record<string, string>} */
  const kept = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) kept[name] = value === true ? "" : String(value);
  }
  const flat = /** @type {MaybeChild[]} */ (children.flat());
  return { tag, attributes: kept, children: flat.filter(isChild) };
}

/**
 * Make the children of `parent` what is described, touching only what differs, so that focus and
 * animations survive a tick. A changed `data-key` replaces the element as a whole.
 * @param {Element} parent
 * @param {ReadonlyArray<Child>} children
 */
export function patch(parent, children) {
  children.forEach((child, index) => {
    const present = parent.childNodes[index];
    if (present === undefined) parent.append(create(child));
    else if (!agrees(present, child)) present.replaceWith(create(child));
    else if (typeof child === "string") {
      if (present.nodeValue !== child) present.nodeValue = child;
    } else dress(/** @type {Element} */ (present), child);
  });
  while (parent.childNodes.length > children.length) parent.lastChild?.remove();
}

/**
 * All text of a description, for reading aloud and for tests.
 * @param {Child} child
 * @returns {string}
 */
export function textOf(child) {
  if (typeof child === "string") return child;
  return child.children.map(textOf).filter((text) => text !== "").join(" ");
}

/** @param {MaybeChild} child @returns {child is Child} */
function isChild(child) {
  return child !== null && child !== undefined && child !== false;
}

/** @param {ChildNode} present @param {Child} child */
function agrees(present, child) {
  if (typeof child === "string") return present.nodeType === Node.TEXT_NODE;
  return present instanceof Element && present.tagName.toLowerCase() === child.tag &&
    present.getAttribute("data-key") === (child.attributes["data-key"] ?? null);
}

/** @param {Child} child @returns {Node} */
function create(child) {
  if (typeof child === "string") return document.createTextNode(child);
  const element = SVG_TAGS.has(child.tag)
    ? document.createElementNS(SVG, child.tag)
    : document.createElement(child.tag);
  dress(element, child);
  return element;
}

/** @param {Element} element @param {Node_} node */
function dress(element, node) {
  for (const name of element.getAttributeNames()) {
    if (!(name in node.attributes)) element.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(node.attributes)) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
  patch(element, node.children);
}
