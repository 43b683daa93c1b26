// @module display: the changed picture at the size that it is shown at, at once, while a hand moves.
//
// The core blurs the small picture with the kernel made smaller. What the stretch needs is the range of the
// full-size picture, and a smaller one has smaller extremes: where they lie in the small picture, the
// kernel's own taps are added up in the full-size one.

import { scaledKernel } from "./kernels.js";

/** Draws one picture at one size. */
export class Display {
  /**
   * @param {Core} core on the page's thread
   * @param {Uint8ClampedArray} rgba the clean picture at the size of the display
   * @param {number} size its side, px
   * @param {{rgba: Uint8ClampedArray, size: number}} full the same picture at full size
   */
  constructor(core, rgba, size, full) {
    Object.assign(this, { core, size, full });
    this.scale = size / full.size;
    core.rough = true; // of what is made smaller, the last bit means nothing
    core.setPicture(rgba, size, false);
  }

  /**
   * @param {object} wanted as CoreClient.change takes it (client.js), at full size
   * @returns {ImageData}
   */
  draw({ kernel, stretched, shift, gain }) {
    if (kernel) this.core.blur(scaledKernel(kernel, this.scale));
    if (kernel && stretched) this.core.c.set_range(...[0, 1].map((greatest) => this.extremeAtFullSize(kernel, greatest)));
    this.core.finish(kernel, stretched, shift.map((amount) => amount * this.scale), gain);
    return new ImageData(this.core.picture().slice(), this.size);
  }

  /** The least or the greatest value of the blurred picture at full size, close to where it is here. */
  extremeAtFullSize({ taps }, greatest) {
    const place = this.core.c.place_of_extreme(greatest);
    const [channel, pixel] = [place % 3, Math.floor(place / 3)];
    const [x, y] = [pixel % this.size, Math.floor(pixel / this.size)].map((at) => Math.round((at + 0.5) / this.scale - 0.5));
    const reach = Math.ceil(1 / this.scale);
    let best = greatest ? 0 : 255;
    for (let down = -reach; down <= reach; down++) {
      for (let right = -reach; right <= reach; right++) {
        const sum = this.levelAt(taps, x + right, y + down, channel);
        best = greatest ? Math.max(best, sum) : Math.min(best, sum);
      }
    }
    return Math.min(255, Math.max(0, Math.round(best)));
  }

  levelAt(taps, x, y, channel) {
    const { rgba, size } = this.full;
    let sum = 0;
    for (let i = 0; i < taps.length; i += 3) {
      const row = mirrored(y + taps[i + 1], size);
      sum += taps[i + 2] * rgba[4 * (row * size + mirrored(x + taps[i], size)) + channel];
    }
    return sum;
  }
}

/** Index mirrored into 0..size−1 without repeating the edge: cv2.BORDER_REFLECT_101. */
function mirrored(index, size) {
  if (size === 1) return 0;
  const folded = Math.abs(index) % (2 * (size - 1));
  return folded < size ? folded : 2 * (size - 1) - folded;
}
