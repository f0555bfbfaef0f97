/** Which view shows which status; complete, so that a new status cannot be forgotten. */
import { charging } from "./charging.js";
import { fault } from "./fault.js";
import { finished } from "./finished.js";
import { idle } from "./idle.js";
import { preparing } from "./preparing.js";
import { reserved } from "./reserved.js";
import { suspended } from "./suspended.js";
import { unavailable } from "./unavailable.js";
import { unknown } from "./unknown.js";

/** @type {Readonly<Record<import("../feed/document.js").Status, (sight: import("./sight.js").Sight) => import("./sight.js").Face>>} */
export const FACES = {
  Available: idle,
  Preparing: preparing,
  Charging: charging,
  SuspendedEV: suspended,
  SuspendedEVSE: suspended,
  Finishing: finished,
  Reserved: reserved,
  Unavailable: unavailable,
  Faulted: fault,
  Unknown: unknown,
};
