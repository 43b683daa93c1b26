// @module views: what is done to the clean picture.

import { ROWS } from "../rows.js";
import { KERNELS } from "./kernels.js";

/**
 * @typedef {object} View what is done to the clean picture
 * @property {number} degree 0..100 px
 * @property {number} angle degrees, as set
 * @property {number} used_angle degrees, as the kernel is really made (study, degree 1)
 * @property {number} shift_x px to the right
 * @property {number} shift_y px down
 * @property {string} kernel name in KERNELS
 * @property {number} [gain] what every value is multiplied by in the end
 */

/** A view with every field a number in its range, or null if it makes no sense. */
export function checkedView(view) {
  if (!view || !Object.hasOwn(KERNELS, view.kernel)) return null;
  const number = (value, otherwise) => (Number.isFinite(value) ? value : otherwise);
  const [least, most] = ROWS.degrees;
  const degree = Math.min(most, Math.max(least, number(view.degree, NaN)));
  const angle = number(view.angle, NaN);
  if (Number.isNaN(degree) || Number.isNaN(angle)) return null;
  return {
    degree: KERNELS[view.kernel].fractional ? degree : Math.round(degree),
    angle,
    used_angle: number(view.used_angle, angle),
    shift_x: number(view.shift_x, 0),
    shift_y: number(view.shift_y, 0),
    kernel: view.kernel,
    ...(Number.isFinite(view.gain) ? { gain: view.gain } : {}),
  };
}
