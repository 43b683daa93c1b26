// @module renderer: one clean picture, its changed ones at display size at once, and at full size exactly.
//
// Both are drawn by the core (folder wasm): small ones on the page's thread, full-size ones in a worker,
// which compares them too. What it cannot draw comes from the server.

import { CoreClient, coreOfPage, whyNotHere } from "../wasm/client.js";
import { drawSquare, pixelsOf, scratchCanvas } from "./canvases.js";
import { Display } from "./display.js";
import { KERNELS } from "./kernels.js";
import { ServedPicture } from "./served.js";
import { kernelOf } from "./taps.js";

/** Draws one picture in every way that the stage needs. */
export class Renderer {
  constructor() {
    this.client = new CoreClient();
    this.served = new ServedPicture();
    this.picture = null;
    this.display = null;
    this.kernel = { key: "", value: null };
  }

  /** Waits for what draws small pictures; without it nothing is drawn here. */
  async start() {
    this.core ??= await coreOfPage();
  }

  /**
   * Takes a new clean picture.
   * @param {ImageBitmap} bitmap square
   */
  setPicture(bitmap) {
    const size = bitmap.width;
    this.picture?.bitmap.close();
    this.picture = { bitmap, size, rgba: pixelsOf(bitmap, size) };
    this.display = null;
    this.reference = null;
    this.client.setPicture(this.picture.rgba, size);
  }

  get size() {
    return this.picture?.size ?? 0;
  }

  /** Whether a view is drawn in this browser. */
  draws(view) {
    return Boolean(this.core && !whyNotHere() && this.kernelFor(view));
  }

  /**
   * The clean picture that a kernel's pictures are compared with, at full size: the study compares
   * with its own degree 0, which is stretched.
   * @returns {HTMLCanvasElement|ImageBitmap}
   */
  clean(kernelName) {
    const { bitmap, rgba, size } = this.picture;
    if (!KERNELS[kernelName].stretched) return bitmap;
    this.reference ??= stretchedPicture(bitmap, rgba, size);
    return this.reference;
  }

  /** Draws a view, unblurred where only the server can, into a square context of any size, now. */
  drawPreview(context, view) {
    if (!this.draws(view)) {
      drawSquare(context, this.clean(view.kernel));
      return;
    }
    const size = context.canvas.width;
    if (this.display?.size !== size) {
      this.display = new Display(this.core, pixelsOf(this.picture.bitmap, size), size, this.picture);
    }
    context.putImageData(this.display.draw(this.wantedOf(view)), 0, 0);
  }

  /**
   * A view at full size, within a grey level of the server's picture (two after a stretch).
   * @param {object|null} reader what reads out the embedding, where that is done here (reader.js)
   * @param {() => boolean} shown as CoreClient.change has it
   * @returns {Promise<{values: object|null, canvas: () => Promise<HTMLCanvasElement|null>}|null>} null when
   *   overtaken; `values` by measure, null where they are not known here
   */
  async paintExact(view, reader, shown) {
    return await this.drawnHere(view, reader, shown) ?? this.drawnByServer(view);
  }

  /** The same by the core; of one of several pictures in a lane of its own. */
  async drawnHere(view, reader, shown, lane = 0) {
    if (!this.draws(view)) return null;
    const { size } = this.picture;
    const made = await this.client.change(this.wantedOf(view), reader, lane, shown);
    return made && { values: made.values, canvas: async () => canvasOf(await made.picture, size) };
  }

  /**
   * The numbers of a view, by measure, where nothing else is to be done; null where they do not come.
   * @param {string|null} reference a kernel whose degree 0 is what is blurred; null: the clean picture is
   */
  async measureInIdleTime(view, reader, reference = null) {
    if (!this.draws(view)) return null;
    const of = reference === null ? {} : { stretched: KERNELS[reference].stretched, ofReference: true };
    const made = await this.client.changeInIdleTime({ ...this.wantedOf(view), ...of }, reader);
    return made?.values ?? null;
  }

  /** What the core is to do for a view. */
  wantedOf(view) {
    return { kernel: view.degree ? this.kernelFor(view) : null, stretched: KERNELS[view.kernel].stretched,
      shift: [view.shift_x, view.shift_y], gain: view.gain ?? 1 };
  }

  async drawnByServer(view) {
    if (this.draws(view)) return null; // it was overtaken
    const canvas = await this.served.of(view);
    return canvas && { values: null, canvas: async () => canvas };
  }

  /** Stops an exact picture that is no longer wanted. */
  cancelExact() {
    this.served.cancel();
    this.client.cancel();
  }

  /** The kernel of a view, made once; null where only the server has it. */
  kernelFor(view) {
    const key = `${view.kernel} ${view.degree} ${view.used_angle}`;
    if (this.kernel.key !== key || !this.kernel.value) this.kernel = { key, value: kernelOf(view) };
    return this.kernel.value;
  }

  dispose() {
    this.served.cancel();
    this.client.dispose();
    this.picture?.bitmap.close();
    this.picture = null;
    this.display = null;
    this.reference = null;
  }
}

function canvasOf(rgba, size) {
  if (!rgba) return null;
  const canvas = scratchCanvas(size);
  canvas.getContext("2d").putImageData(new ImageData(rgba, size, size), 0, 0);
  return canvas;
}

/** The picture stretched so that its least level is 0 and its greatest 255. */
function stretchedPicture(bitmap, rgba, size) {
  let lowest = 255;
  let highest = 0;
  for (let i = 0; i < rgba.length; i++) {
    if ((i & 3) === 3) continue;
    if (rgba[i] < lowest) lowest = rgba[i];
    if (rgba[i] > highest) highest = rgba[i];
  }
  if (lowest === 0 && highest === 255) return bitmap;
  const factor = highest > lowest ? 255 / (highest - lowest) : 0;
  const image = new ImageData(size, size);
  for (let i = 0; i < rgba.length; i++) {
    image.data[i] = (i & 3) === 3 ? 255 : (rgba[i] - lowest) * factor; // rounded by the array
  }
  const canvas = scratchCanvas(size);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
