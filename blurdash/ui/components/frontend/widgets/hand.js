// @module hand: where a hand left a page's sliders, while Streamlit mounts the page's part anew.

import { bus } from "../bus.js";

const KEPT_MS = 5000;

/** Keeps where the sliders of a part are that is taken away; `start` says from which jump they came. */
export function leaveHand(part, start, values) {
  (bus.hands ??= new Map()).set(part, { start, values, at: performance.now() });
}

/**
 * Where the sliders were that stood here a moment ago.
 * The server may not have heard of it yet: what it says would pull them back under the hand.
 * @returns {object | null} null where they are to jump to what the server says
 */
export function takeHand(part, start) {
  const left = bus.hands?.get(part);
  bus.hands?.delete(part);
  const fits = left && left.start === start && performance.now() - left.at < KEPT_MS;
  return fits ? left.values : null;
}
