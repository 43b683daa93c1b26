// @module sizes: how large a drawing is, and in what units, asked of the browser once until that changes: whoever
// asks in the midst of drawing has the whole page laid out again.

import { bus } from "../bus.js";

let known = new WeakMap();
let watch = null;

/**
 * How large an element is.
 * @returns {{width: number, height: number, font: number, unit: number}} px; the same object until it is another size
 */
export function sizeOf(element) {
  const before = known.get(element);
  if (before) return before;
  const { width, height } = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  const size = { width, height, font: parseFloat(style.fontSize) || 12, unit: parseFloat(style.getPropertyValue("--bd-u")) || 1 };
  if (!width || !height) return size; // it is not shown yet
  watch ??= new ResizeObserver((entries) => look(entries.map(({ target }) => target)));
  known.set(element, size);
  watch.observe(element);
  return size;
}

/** Forgets what is another size by now, and has it drawn anew: whoever drew it may have made it so. */
function look(elements) {
  const others = elements.filter((element) => {
    const { width, height } = element.getBoundingClientRect();
    const before = known.get(element);
    return before && (width !== before.width || height !== before.height);
  });
  others.forEach((element) => known.delete(element));
  if (others.length) bus.dispatchEvent(new Event("sizes"));
}

/** From now on all is asked anew: letters may be of another size in a box that is as large as before. */
export function forgetSizes() {
  known = new WeakMap();
}
