// @module own curve: a face's numbers over the degree, found in this browser while the hand rests, the
// coarse ones first. A tab that nobody sees finds none: that would take a processor from what is seen.

import { bus } from "../bus.js";
import { usedAngle } from "../pictures/kernels.js";
import { ROWS } from "../rows.js";
import { readerNow } from "../wasm/reader.js";
import { asSent } from "./texts.js";

const OWN_STEPS = [5, 21, 51]; // shown with so many points, and when it is whole
const OWN_KEPT = 6; // curves
const OWN_PAUSE_MS = 100;

const [FIRST, LAST] = ROWS.degrees;

/** All degrees so that any first part of them is spread over the whole range. */
const COARSE_FIRST = [...new Set([50, 25, 10, 5, 2, 1].flatMap((step) =>
  Array.from({ length: Math.floor((LAST - FIRST) / step) + 1 }, (_, i) => FIRST + i * step)))];

/** Fills curves, one at a time. */
export class OwnCurves {
  /**
   * @param {() => boolean} mayWork whether the hand rests
   * @param {() => void} grown called when there is more of a curve
   * @param {number[]} degrees that it has a point at, in the order in which they are found
   */
  constructor(mayWork, grown, degrees = COARSE_FIRST) {
    Object.assign(this, { mayWork, grown, degrees });
    this.steps = [...OWN_STEPS.filter((step) => step < degrees.length), degrees.length];
    this.curves = new Map(); // by what they belong to
    this.wanted = "";
    this.gone = false;
  }

  /**
   * What is known of a curve, in the form that Python sends.
   * @param {object} of
   * @param {string} of.key settings and face
   * @param {string} of.face
   * @param {string} of.kernel
   * @param {number} of.angle
   */
  known(of) {
    return this.asCurve(this.curves.get(JSON.stringify(of)) ?? new Map(), of);
  }

  /** The points that are shown of what is known: as many as the last step has. */
  asCurve(known, { key, angle }) {
    const most = this.steps.filter((step) => step <= known.size).at(-1) ?? 0;
    const points = [...known].slice(0, most).sort(([one], [other]) => one - other);
    return { key, angle, degrees: points.map(([degree]) => degree), values: points.map(([, values]) => values) };
  }

  /** Has the rest of a curve found, in place of the one that was wanted before. */
  want(of) {
    const name = JSON.stringify(of);
    if (this.wanted === name) return;
    this.wanted = name;
    if (!this.curves.has(name)) {
      this.curves.set(name, new Map());
      if (this.curves.size > OWN_KEPT) this.curves.delete(this.curves.keys().next().value);
    }
    this.fill(name, of);
  }

  async fill(name, of) {
    const values = this.curves.get(name);
    for (const degree of this.degrees) {
      while (!values.has(degree)) {
        if (this.gone || this.wanted !== name) return;
        const found = this.mayWork() && !globalThis.document?.hidden ? await this.measure(degree, of) : null;
        if (found) values.set(degree, found);
        else await new Promise((done) => setTimeout(done, OWN_PAUSE_MS));
      }
      if (this.steps.includes(values.size)) this.grown();
    }
  }

  async measure(degree, { key, face, kernel, angle }) {
    const reader = readerNow();
    if (reader?.key !== key || bus.measurer?.face !== face) return null;
    const view = { degree, angle, used_angle: usedAngle(kernel, degree, angle), shift_x: 0, shift_y: 0, kernel };
    const found = await bus.measurer.measure(view, reader);
    return found && ROWS.tiles.map(({ measure }) => asSent(found[measure]));
  }

  dispose() {
    this.gone = true;
  }
}
