// @module renderer: one clean picture, its previews at display size and its exact blurred picture.
//
// Chooses the way: the graphics card where a timed draw says that it is fast (renderer_gl.js), else
// prefix sums (preview.js) and workers (exact.js).

import { pixelsOf, scratchCanvas } from "./canvases.js";
import { ExactPainter } from "./exact.js";
import { levelTable } from "./exact_core.js";
import { KERNELS, identityKernel, scaledKernel } from "./kernels.js";
import { PreviewPainter } from "./preview.js";
import { GlPainter } from "./renderer_gl.js";
import { ServedPicture } from "./served.js";

const RENDERER_PAINTERS = 3; // as many sizes as the pace of previews has

/** The kernel of a view, null where only the server draws it; degree 0 is always the identity. */
function kernelOf({ kernel, degree, used_angle: angle }) {
  if (degree === 0) return identityKernel();
  return KERNELS[kernel].make?.(degree, angle) ?? null;
}

/** Draws one picture in every way that the stage needs. */
export class Renderer {
  /** @param {() => void} onLost called when what is on screen may be gone: draw it again */
  constructor(onLost) {
    this.onLost = onLost;
    this.exactPainter = new ExactPainter();
    this.served = new ServedPicture();
    this.picture = null;
    this.painters = [];
    this.kernel = { key: "", value: null };
    this.gl = null; // once it has proved fast
    this.way = "auto"; // or "gl", "cpu": for tests and measurements
  }

  /** "gl" or "cpu": how pictures are drawn now. */
  get by() {
    return this.gl ? "gl" : "cpu";
  }

  /**
   * Takes a new clean picture.
   * @param {ImageBitmap} bitmap square
   */
  setPicture(bitmap) {
    const size = bitmap.width;
    this.picture = { bitmap, size, rgba: pixelsOf(bitmap, size) };
    this.painters = [];
    this.reference = null;
    this.gl?.forgetAll();
    this.exactPainter.setPicture(this.picture.rgba, size);
  }

  /**
   * Looks for a graphics card that draws the longest kernel fast at this size.  Takes some
   * milliseconds: not for the first picture.
   */
  tryGraphics(size) {
    const forced = this.way === "gl";
    if (this.gl || this.triedGraphics || this.way === "cpu") return;
    this.triedGraphics = true;
    const painter = GlPainter.create(forced, () => this.dropGraphics());
    if (!painter) return;
    if (forced || painter.isFast(size)) this.gl = painter;
    else painter.dispose();
  }

  dropGraphics() {
    this.gl = null;
    this.triedGraphics = true; // what was lost once may be lost again
    this.onLost();
  }

  get size() {
    return this.picture?.size ?? 0;
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
    const size = context.canvas.width;
    const kernel = this.kernelFor(view) ?? identityKernel();
    const { stretched } = KERNELS[view.kernel];
    const shift = [view.shift_x, view.shift_y];
    if (this.gl) {
      context.drawImage(this.drawByGl(kernel, stretched, shift, size), 0, 0);
      if (!this.gl.isLost()) return;
    }
    context.putImageData(this.painterFor(size).draw(kernel, stretched, shift), 0, 0);
  }

  /** The painter of previews of a size; the last few are kept. */
  painterFor(size) {
    let painter = this.painters.find((one) => one.size === size);
    if (!painter) {
      painter = new PreviewPainter(pixelsOf(this.picture.bitmap, size), size, this.picture);
      this.painters = [painter, ...this.painters].slice(0, RENDERER_PAINTERS);
    }
    return painter;
  }

  /**
   * Paints a view at full size, within a grey level of the server's picture.
   * @returns {Promise<HTMLCanvasElement|null>} a new canvas, or null when overtaken
   */
  async paintExact(view) {
    const { size } = this.picture;
    const kernel = this.kernelFor(view);
    if (!kernel) return this.served.of(view);
    const { stretched } = KERNELS[view.kernel];
    const shift = [view.shift_x, view.shift_y];
    const canvas = scratchCanvas(size);
    const context = canvas.getContext("2d");
    if (this.gl) {
      context.drawImage(this.drawByGl(kernel, stretched, shift, size), 0, 0);
      if (!this.gl.isLost()) return canvas;
    }
    const rgba = await this.exactPainter.paint(kernel, stretched, shift);
    if (!rgba) return null;
    context.putImageData(new ImageData(rgba, size, size), 0, 0);
    return canvas;
  }

  drawByGl(kernel, stretched, shift, size) {
    const scale = size / this.picture.size;
    if (!this.gl.has(size)) {
      this.gl.forgetAll(this.picture.size);
      this.gl.setPicture(scale === 1 ? this.picture.rgba : pixelsOf(this.picture.bitmap, size), size);
    }
    const moved = shift.map((amount) => amount * scale);
    return this.gl.draw(scaledKernel(kernel, scale), stretched, moved, size);
  }

  /** Stops an exact picture that is no longer wanted. */
  cancelExact() {
    this.served.cancel();
    this.exactPainter.cancel();
  }

  /** The kernel of a view, made once. */
  kernelFor(view) {
    const key = `${view.kernel} ${view.degree} ${view.used_angle}`;
    if (this.kernel.key !== key) this.kernel = { key, value: kernelOf(view) };
    return this.kernel.value;
  }

  dispose() {
    this.served.cancel();
    this.exactPainter.dispose();
    this.gl?.dispose();
    this.gl = null;
    this.picture?.bitmap.close();
    this.picture = null;
    this.painters = [];
    this.reference = null;
  }
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
  const table = levelTable(true, 2 * lowest, 2 * highest);
  const image = new ImageData(size, size);
  for (let i = 0; i < rgba.length; i++) {
    image.data[i] = (i & 3) === 3 ? 255 : table[2 * rgba[i]];
  }
  const canvas = scratchCanvas(size);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
