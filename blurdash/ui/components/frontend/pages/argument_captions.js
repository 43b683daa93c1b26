// @module argument captions: what is done to each of the two pictures, for what draws them and for people.

import { usedAngle } from "../pictures/kernels.js";
import { describeView } from "../pictures/stage_view.js";

/**
 * What is done to a picture, as pair.js draws it.
 * @param {string} which sharp, blurred, first or second
 * @param {object} v where the sliders are
 * @param {object|null} twin what the pictures are in place of that
 */
export function specOf(which, v, kernel, twin) {
  if (which === "sharp") {
    return { kernel, x: twin?.x ?? v.x, y: twin?.y ?? v.y, rotation: v.rotation, scale: v.scale, gain: v.gain, noise: v.noise };
  }
  const blurs = { blurred: [v.degree, v.angle], first: [v.degree_a, v.angle_a], second: [v.degree_b, v.angle_b] };
  const [degree, angle] = blurs[which];
  if (twin) return { kernel: twin.kernel, degree: twin.length, angle: twin.angle, used_angle: twin.angle, shift_x: 0, shift_y: 0 };
  return { kernel, degree, angle, used_angle: usedAngle(kernel, degree, angle), shift_x: 0, shift_y: 0 };
}

/** What a picture is, for people. */
export function describeSpec(which, spec) {
  if (which === "sharp") return `sharp, ${describeDisturbed(spec)}`;
  const text = describeView({ ...spec, degree: Math.round(spec.degree * 100) / 100 });
  return text === "no blur" ? "not blurred" : `blurred by ${text}`;
}

/** "moved by 8 px, turned 1°, noise 10": what was done to a sharp picture. */
function describeDisturbed({ x, y, rotation, scale, gain, noise }) {
  const amount = (value) => String(Math.round(Math.abs(value) * 100) / 100);
  const parts = [
    (x || y) && `moved by ${amount(Math.hypot(x, y))} px`,
    rotation && `turned ${amount(rotation)}° ${rotation > 0 ? "left" : "right"}`,
    scale !== 1 && `scaled × ${scale}`,
    gain !== 1 && `gain ${gain}`,
    noise && `noise ${noise}`,
  ].filter(Boolean);
  return parts.join(", ") || "as it was";
}
