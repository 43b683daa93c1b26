// @module preview: the blurred picture at display size, fast enough to follow a hand on any CPU.
//
// A long kernel is taken for what it nearly is: a straight line of even weight.  Along lines in its
// direction the blur is then a difference of two prefix sums, whatever the length.  Length, direction
// and centroid are those of the kernel's own moments, so the preview agrees with the exact picture in
// reach and place.  The shortest kernels go through their own taps.  Mass and stretch come last, in a
// table of levels.

import { mirrored } from "./exact_core.js";
import { moments, scaledKernel } from "./kernels.js";
import {
  BLEND_STEPS,
  blendLines,
  findExtremes,
  meansAlongLine,
  paddedWords,
  placeTurnedWords,
  placeWords,
  sumAlongLine,
  sumTaps,
} from "./preview_core.js";

const PREVIEW_REACH = 56; // most that a kernel and its centroid reach along an axis at full size, px
const PREVIEW_TAP_BUDGET = 1.1e6; // taps × pixels up to which the taps themselves are fast enough
const PREVIEW_SAMPLES = 256; // along each side, to find where the extremes are
const PREVIEW_COARSE_WINDOW = 16; // windows from this length on are taken at every other place, px

/** Draws previews of one picture at one size. */
export class PreviewPainter {
  /**
   * @param {Uint8ClampedArray} rgba the clean picture at display size
   * @param {number} size its side, px
   * @param {{rgba: Uint8ClampedArray, size: number}} full the same picture at full size
   */
  constructor(rgba, size, full) {
    this.size = size;
    this.full = full;
    this.scale = size / full.size;
    this.pad = Math.ceil(PREVIEW_REACH * this.scale) + 6;
    // An odd number of words to a row keeps columns from falling into the same cache lines.
    this.stride = (size + 2 * this.pad) | 1;
    this.words = new Int32Array(rgba.buffer, rgba.byteOffset, size * size);
    this.upright = paddedWords(this.words, size, this.pad, this.stride, false);
    this.turned = null; // made when a steep line first needs it
    this.blurredStride = size + 17;
    // One row more on top: a line may begin one pixel above the picture.
    this.blurredRows = new Int32Array(this.blurredStride * (size + 1));
    this.blurred = this.blurredRows.subarray(this.blurredStride);
    this.image = new ImageData(size, size);
    this.out = new Int32Array(this.image.data.buffer);
  }

  /**
   * @param {{taps: Float64Array}} kernel at full size
   * @param {boolean} stretched whether to stretch to 0..255 afterwards
   * @param {number[]} shift [right, down] in px of the full size
   * @returns {ImageData} the same object every time
   */
  draw(kernel, stretched, shift) {
    const moved = shift.map((amount) => amount * this.scale);
    const whole = moved.map(Math.round);
    // What is left of the shift, below a pixel, is done by a kernel that is off its centre.
    const rest = moved.map((amount, axis) => whole[axis] - amount);
    const turned = this.blur(kernel, rest);
    const range = stretched ? this.rangeAtFullSize(kernel, turned) : [0, 255];
    this.place(turned, whole, previewLevels(moments(kernel).mass, range));
    return this.image;
  }

  /** Blurs with unit mass into `this.blurred`; returns whether that has rows for columns. */
  blur(kernel, rest) {
    const small = scaledKernel(kernel, this.scale, rest);
    if ((small.taps.length / 3) * this.size * this.size <= PREVIEW_TAP_BUDGET) {
      this.blurByTaps(small);
      return false;
    }
    const line = lineOfKernel(kernel, this.scale, rest);
    this.blurByLine(line);
    return line.turned;
  }

  blurByTaps({ taps }) {
    const { size, pad, stride } = this;
    const weights = byteWeights(taps);
    const starts = new Int32Array(weights.length);
    for (let tap = 0; tap < starts.length; tap++) {
      starts[tap] = (taps[3 * tap + 1] + pad) * stride + taps[3 * tap] + pad;
    }
    for (let y = 0; y < size; y++) {
      sumTaps(this.blurred, y * this.blurredStride, size, this.upright, y * stride, starts, weights);
    }
  }

  blurByLine(line) {
    const { size, pad, stride, blurredStride } = this;
    if (line.turned) this.turned ??= paddedWords(this.words, size, pad, stride, true);
    const source = line.turned ? this.turned : this.upright;
    const { places, floors, blends, outPlaces } = this.layOut(line);
    const window = { ...line, start: line.start + pad, end: line.end + pad };
    const redBlue = new Int32Array(size + 2 * pad + 1);
    const green = new Int32Array(size + 2 * pad + 1);
    let before = new Int32Array(size);
    let current = new Int32Array(size);
    const [leftmost, rightmost] = [floors[0], floors[size - 1]];
    const last = size - Math.min(leftmost, rightmost);
    for (let k = -1 - Math.max(leftmost, rightmost); k < last; k++) {
      const [from, to] = spanOfLine(floors, k, size);
      if (from >= to) continue;
      const base = (k + pad) * stride;
      sumAlongLine(redBlue, green, source, places, base, from + window.start, to + window.end + 1);
      meansAlongLine(current, redBlue, green, from, to, window);
      blendLines(this.blurredRows, before, current, outPlaces, k * blurredStride, blends, from, to);
      [before, current] = [current, before];
    }
  }

  /** Where line 0 runs in the source and in the blurred picture; line k is k rows further down. */
  layOut(line) {
    const { size, pad, stride, blurredStride } = this;
    const places = new Int32Array(size + 2 * pad);
    for (let i = 0; i < places.length; i++) {
      places[i] = Math.round(line.slope * (i - pad)) * stride + i;
    }
    const floors = new Int32Array(size);
    const blends = new Int32Array(size);
    const outPlaces = new Int32Array(size);
    for (let u = 0; u < size; u++) {
      const row = line.slope * u - line.offset;
      floors[u] = Math.floor(row);
      blends[u] = Math.round((row - floors[u]) * BLEND_STEPS);
      outPlaces[u] = (floors[u] + 1) * blurredStride + u;
    }
    return { places, floors, blends, outPlaces };
  }

  /**
   * Least and greatest level of the blurred picture at full size: what the stretch needs.
   * A smaller picture has smaller extremes, so the places found in it are looked at again with the
   * kernel's own taps in the full-size picture.
   */
  rangeAtFullSize(kernel, turned) {
    const step = Math.ceil(this.size / PREVIEW_SAMPLES);
    const extremes = findExtremes(this.blurred, this.size, this.blurredStride, step);
    const reach = Math.ceil(step / this.scale);
    return extremes.map(([, across, down, channel], isHighest) => {
      const [x, y] = (turned ? [down, across] : [across, down]).map((at) => at / this.scale);
      return this.extremeAround(kernel, Math.round(x), Math.round(y), channel, reach, isHighest);
    });
  }

  extremeAround({ taps }, centreX, centreY, channel, reach, isHighest) {
    const { rgba, size } = this.full;
    let best = isHighest ? 0 : 255;
    for (let y = centreY - reach; y <= centreY + reach; y++) {
      for (let x = centreX - reach; x <= centreX + reach; x++) {
        let sum = 0;
        for (let i = 0; i < taps.length; i += 3) {
          const row = mirrored(y + taps[i + 1], size);
          sum += taps[i + 2] * rgba[4 * (row * size + mirrored(x + taps[i], size)) + channel];
        }
        best = isHighest ? Math.max(best, sum) : Math.min(best, sum);
      }
    }
    return Math.round(best);
  }

  place(turned, [wholeX, wholeY], levels) {
    const { size } = this;
    const columns = Int32Array.from({ length: size }, (_, x) => mirrored(x - wholeX, size));
    const rows = Int32Array.from({ length: size }, (_, y) => mirrored(y - wholeY, size));
    const copy = turned ? placeTurnedWords : placeWords;
    copy(this.out, this.blurred, size, this.blurredStride, columns, rows, levels);
  }
}

/**
 * The line of even weight with a kernel's moments, on a picture drawn at `scale`.  `u` runs along
 * the axis that the line is nearer to (`turned`: the vertical one), v along the other.
 * @returns {object} slope dv/du; offset of v; window along u as meansAlongLine takes it
 */
function lineOfKernel(kernel, scale, rest) {
  const { dx, dy, varX, varY, cov } = moments(kernel);
  const turned = varY > varX;
  const centre = [dx * scale + rest[0], dy * scale + rest[1]];
  const [centreU, centreV] = turned ? [centre[1], centre[0]] : centre;
  const variance = turned ? varY : varX;
  const slope = cov / variance;
  const length = Math.sqrt(12 * variance * scale * scale + 1);
  const from = 0.5 + centreU - length / 2; // place i covers [i, i + 1)
  const to = from + length;
  const [start, end] = [Math.floor(from), Math.floor(to)];
  const [startPart, endPart] = [from - start, to - end].map((part) => Math.round(part * 256));
  return {
    turned,
    slope,
    offset: centreV - slope * centreU,
    start,
    end,
    startPart,
    endPart,
    gain: Math.floor(65536 / (end - start + (endPart - startPart) / 256)),
    step: length >= PREVIEW_COARSE_WINDOW ? 2 : 1,
  };
}

/** The places of line k (row k + floors[u] or one more) that are needed: from, and up to. */
function spanOfLine(floors, k, size) {
  const rising = floors[size - 1] >= floors[0];
  const before = (row) => (rising ? row < -1 : row >= size);
  const after = (row) => (rising ? row >= size : row < -1);
  const firstWhere = (test) => {
    let [low, high] = [0, size];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (test(k + floors[middle])) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  return [firstWhere((row) => !before(row)), firstWhere(after)];
}

/** From levels blurred with unit mass to what is shown; `range` becomes 0..255. */
function previewLevels(mass, [lowest, highest]) {
  const factor = highest > lowest ? 255 / (highest - lowest) : 0;
  return Uint8ClampedArray.from({ length: 256 }, (_, level) => (level * mass - lowest) * factor);
}

/** Weights as whole numbers of 1/256 with a sum of 256. */
function byteWeights(taps) {
  const weights = new Int32Array(taps.length / 3);
  let mass = 0;
  for (let i = 2; i < taps.length; i += 3) mass += taps[i];
  let owed = 0;
  for (let tap = 0; tap < weights.length; tap++) {
    owed += (taps[3 * tap + 2] / mass) * 256;
    weights[tap] = Math.round(owed);
    owed -= weights[tap];
  }
  return weights;
}
