/**
 * Server-sent events from a byte stream.
 *
 * EventSource hides the server's comment lines, so a page using it cannot tell a quiet line from a
 * dead one; reading the stream ourselves shows every sign of life.
 * Source: HTML standard, 9.2.6 "Interpreting an event stream".
 */

/** @typedef {{name: string, text: string, id: string}} ServerEvent */

/** No status document comes near this; a line that never ends must not fill the memory. */
export const MAX_PENDING_CHARS = 1_000_000;

/**
 * A reader to be fed text as it arrives; it returns the events which that text completed.
 * Throws RangeError when an event grows beyond MAX_PENDING_CHARS.
 * @returns {(text: string) => ServerEvent[]}
 */
export function eventReader() {
  let pending = "";
  let id = "";
  let name = "";
  /** @type {string[]} */
  let lines = [];
  let sizeChars = 0;

  /** @param {string} line @param {ServerEvent[]} done */
  function takeLine(line, done) {
    if (line === "") {
      if (lines.length > 0) done.push({ name: name || "message", text: lines.join("\n"), id });
      name = "";
      lines = [];
      sizeChars = 0;
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") name = value;
    else if (field === "id") id = value;
    else if (field === "data") {
      lines.push(value);
      sizeChars += value.length;
    }
  }

  return (text) => {
    pending += text;
    /** @type {ServerEvent[]} */
    const done = [];
    // A "\r" at the very end may be half of "\r\n": it waits for its other half.
    for (let end; (end = /\r\n|\n|\r(?!$)/.exec(pending)); ) {
      takeLine(pending.slice(0, end.index), done);
      pending = pending.slice(end.index + end[0].length);
    }
    if (pending.length + sizeChars > MAX_PENDING_CHARS) throw new RangeError("event too long");
    return done;
  };
}
