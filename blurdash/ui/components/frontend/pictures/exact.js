// @module exact: paints full-size pictures in workers (exact_core.js); the latest request wins.

import {
  addFourTaps,
  bandOf,
  emitRow,
  exactWorkerMain,
  filterBand,
  finishPicture,
  gatherPlane,
  halfLevel,
  lanczosMoved,
  lanczosTaps,
  levelTable,
  mirrored,
  packedPlanes,
  placePlane,
  runSliced,
  settleRow,
  widenRange,
} from "./exact_core.js";
import { roundHalfEven } from "./kernels.js";

const EXACT_WEIGHT_BITS = 18; // 18 + 8 bits of grey levels fill the 26 of a packed sum
const EXACT_MAX_WORKERS = 4;
const EXACT_SMALL_AREA = 130; // from this area on OpenCV filters by a Fourier transform
const EXACT_SLICE_MS = 6; // without workers: how long the page may stand still

// Everything the worker runs; functions are declared at top level, so their text is complete.
const WORKER_PARTS = [
  roundHalfEven,
  mirrored,
  lanczosTaps,
  levelTable,
  bandOf,
  packedPlanes,
  addFourTaps,
  halfLevel,
  emitRow,
  widenRange,
  settleRow,
  filterBand,
  gatherPlane,
  lanczosMoved,
  placePlane,
  finishPicture,
  runSliced,
  exactWorkerMain,
];

/**
 * A kernel with whole-number weights, as exact sums need them; a kernel without a unit is rounded
 * to 18 bits in a way that keeps its mass.
 * @returns {{taps: Int32Array, unit: number, floats: Float32Array|null}} see filterBand
 */
export function wholeKernel({ taps, unit, size }) {
  const scale = unit || 1 << EXACT_WEIGHT_BITS;
  const whole = Int32Array.from(taps, (value, i) => (i % 3 === 2 ? Math.round(value * scale) : value));
  if (!unit) {
    let mass = 0;
    let sum = 0;
    let heaviest = 2;
    for (let i = 2; i < taps.length; i += 3) {
      mass += taps[i];
      sum += whole[i];
      if (whole[i] > whole[heaviest]) heaviest = i;
    }
    whole[heaviest] += Math.round(mass * scale) - sum;
  }
  const small = size * size < EXACT_SMALL_AREA;
  const weights = Float32Array.from({ length: taps.length / 3 }, (_, i) => taps[3 * i + 2]);
  return { taps: whole, unit: scale, floats: small ? weights : null };
}

/** Full-size pictures on demand, off the page's thread where the browser lets us. */
export class ExactPainter {
  constructor() {
    this.job = 0;
    this.pending = null;
    this.workers = [];
    this.picture = null;
    this.planes = null; // only where there are no workers
  }

  /** Takes a square RGBA picture; what was being painted is dropped. */
  setPicture(rgba, size) {
    this.cancel();
    this.picture = { rgba, size };
    this.planes = null;
    if (!this.workers.length) this.workers = this.hire();
    this.bands = this.workers.map((_, index, all) => bandOf(size, index, all.length));
    this.workers.forEach((worker, index, all) => {
      worker.postMessage({ ask: "picture", rgba, size, index, count: all.length });
    });
  }

  /**
   * Paints the picture blurred, stretched if `stretched`, then shifted by [right, down] px.
   * @returns {Promise<Uint8ClampedArray|null>} RGBA, or null when overtaken or cancelled
   */
  paint(kernel, stretched, shift) {
    this.cancel();
    const whole = wholeKernel(kernel);
    const settings = { stretched, shift };
    return new Promise((resolve) => {
      this.pending = { kernel: whole, settings, parts: [], resolve };
      this.start();
    });
  }

  /** Drops what is being painted. */
  cancel() {
    this.job += 1;
    if (!this.pending) return;
    this.pending.resolve(null);
    this.pending = null;
    for (const worker of this.workers) worker.postMessage({ ask: "stop", job: this.job });
  }

  /** Lets the workers go; the painter can be used again after setPicture. */
  dispose() {
    this.cancel();
    for (const worker of this.workers) worker.terminate();
    this.workers = [];
    this.picture = null;
    this.planes = null;
  }

  hire() {
    const wanted = Math.max(1, Math.min(EXACT_MAX_WORKERS, navigator.hardwareConcurrency || 1));
    const workers = [];
    let url = null;
    try {
      const source = `${WORKER_PARTS.map(String).join("\n")}\nexactWorkerMain();`;
      url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      for (let i = 0; i < wanted; i++) workers.push(this.listening(new Worker(url), i));
    } catch {
      for (const worker of workers) worker.terminate(); // a content policy may forbid workers
      return [];
    } finally {
      // The workers have not fetched it yet: forget it only when they surely have.
      if (url) setTimeout(() => URL.revokeObjectURL(url), 10000);
    }
    return workers;
  }

  listening(worker, index) {
    worker.onmessage = ({ data }) => {
      if (data.job !== this.job || !this.pending) return;
      if (data.part) this.collect(data.part, index);
      else this.deliver(data.rgba);
    };
    worker.onerror = () => this.goOnAlone();
    return worker;
  }

  start() {
    const { kernel } = this.pending;
    if (!this.workers.length) {
      this.paintHere();
      return;
    }
    for (const worker of this.workers) worker.postMessage({ ask: "filter", job: this.job, kernel });
  }

  collect(part, index) {
    const { parts, settings } = this.pending;
    parts[index] = part;
    const waiting = this.workers.some((_, i) => !parts[i]);
    if (waiting) return;
    const buffers = parts.flatMap(({ planes }) => planes.flat().map((plane) => plane.buffer));
    const message = { ask: "finish", job: this.job, parts, bands: this.bands, settings };
    this.workers[0].postMessage(message, buffers);
  }

  deliver(rgba) {
    const { resolve } = this.pending;
    this.pending = null;
    resolve(rgba);
  }

  /** A worker failed: its job, and all later ones, are done on the page. */
  goOnAlone() {
    for (const worker of this.workers) worker.terminate();
    this.workers = [];
    if (this.pending) this.paintHere();
  }

  async paintHere() {
    const { job } = this;
    const { kernel, settings } = this.pending;
    const { rgba, size } = this.picture;
    const band = bandOf(size, 0, 1);
    this.planes ??= packedPlanes(rgba, band);
    const stale = () => job !== this.job;
    const part = await runSliced(filterBand(this.planes, band, kernel), EXACT_SLICE_MS, stale);
    if (!part) return;
    const finished = finishPicture([part], [band], settings);
    const picture = await runSliced(finished, EXACT_SLICE_MS, stale);
    if (picture) this.deliver(picture);
  }
}
