// @module taps: the kernel of a view: made here, or in taps that the server sent, for kernels that are not.

import { bus } from "../bus.js";
import { KERNELS, identityKernel } from "./kernels.js";

const TAPS_KEPT = 160; // kernels: as many as a hand passes on its way to and fro

/** Keeps a kernel that the server sent; its header says of what (browser.py). */
export function keepTaps({ view, places }, bytes) {
  const taps = new Float64Array(bytes.slice().buffer); // at an address that numbers may lie at
  const kept = [...(bus.taps ?? []), [tapsKey(view), { taps, unit: 0, size: Math.sqrt(places) }]];
  bus.taps = new Map(kept.slice(-TAPS_KEPT));
  bus.dispatchEvent(new Event("taps"));
}

/** The kernel of a view; null where only the server has it. Degree 0 is always the identity. */
export function kernelOf(view) {
  if (view.degree === 0) return identityKernel();
  const { make } = KERNELS[view.kernel];
  return make ? make(view.degree, view.used_angle) : bus.taps?.get(tapsKey(view)) ?? null;
}

/** Whether a view's kernel is at hand. */
export function hasKernel({ kernel, degree, used_angle }) {
  return degree === 0 || Boolean(KERNELS[kernel].make) || Boolean(bus.taps?.has(tapsKey({ kernel, degree, used_angle })));
}

function tapsKey({ kernel, degree, used_angle: angle }) {
  return JSON.stringify([kernel, degree, angle]);
}
