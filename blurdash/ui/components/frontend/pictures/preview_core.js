// @module preview core: the inner loops of the preview (preview.js), on pixels in 32-bit words.
//
// A pixel is 0xAABBGGRR (RGBA bytes in memory).  Red and blue are summed together in one integer,
// 16 bits each, and green in another; sums of up to 257 pixels fit.  The names in the loops: rb and
// g are sums of red-and-blue and of green, u runs along a line, k counts lines.

import { mirrored } from "./exact_core.js";

const RED_BLUE = 0xff00ff;
const GREEN = 0xff00;
const OPAQUE = 0xff << 24;
export const BLEND_STEPS = 32; // resolution of the place between two neighbouring lines

/** Row-major words of a picture with a mirrored border; `turned`: with rows for columns. */
export function paddedWords(words, size, pad, stride, turned) {
  const padded = new Int32Array(stride * (size + 2 * pad));
  const places = Int32Array.from({ length: size + 2 * pad }, (_, i) => mirrored(i - pad, size));
  const [alongRow, alongColumn] = turned ? [size, 1] : [1, size];
  for (let y = 0; y < places.length; y++) {
    const start = places[y] * alongColumn;
    const at = y * stride;
    for (let x = 0; x < places.length; x++) padded[at + x] = words[start + places[x] * alongRow];
  }
  return padded;
}

/** One row filtered by a few taps; `weights` are whole numbers of 1/256 with a sum of 256 at most. */
export function sumTaps(out, at, width, source, row, starts, weights) {
  const count = starts.length;
  for (let x = 0; x < width; x++) {
    let redBlue = 0x800080; // half a level, to round
    let green = 0x80;
    for (let tap = 0; tap < count; tap++) {
      const pixel = source[starts[tap] + row + x];
      redBlue = (redBlue + Math.imul(pixel & RED_BLUE, weights[tap])) | 0;
      green += Math.imul((pixel >>> 8) & 0xff, weights[tap]);
    }
    out[at + x] = ((redBlue >>> 8) & RED_BLUE) | (green & GREEN);
  }
}

/** Prefix sums of the pixels on a line: entry i + 1 is the sum up to and including place i. */
export function sumAlongLine(redBlue, green, source, places, base, from, to) {
  let rb = 0;
  let g = 0;
  redBlue[from] = 0;
  green[from] = 0;
  for (let i = from; i < to; i++) {
    const pixel = source[base + places[i]];
    rb = (rb + (pixel & RED_BLUE)) | 0;
    g += (pixel >>> 8) & 0xff;
    redBlue[i + 1] = rb;
    green[i + 1] = g;
  }
}

/**
 * Means over a window that slides along a line: the whole pixels between `start` and `end`, plus
 * `endPart` / 256 of the pixel at its end, less `startPart` / 256 of the first; times `gain` / 65536.
 * Parts are rounded towards a smaller sum, or white would spill over into the next colour.
 * Long windows are taken at every other place only (`step` 2).
 */
export function meansAlongLine(out, redBlue, green, from, to, window) {
  const { start, end, startPart, endPart, gain, step } = window;
  for (let u = from; u < to; u += step) {
    const a = u + start;
    const b = u + end;
    const rbA = redBlue[a];
    const rbB = redBlue[b];
    const rbLast = (Math.imul(redBlue[b + 1] - rbB, endPart) >>> 8) & RED_BLUE;
    const rbFirst = ((Math.imul(redBlue[a + 1] - rbA, startPart) + RED_BLUE) >>> 8) & RED_BLUE;
    const rb = (rbB - rbA + rbLast - rbFirst) | 0;
    const gA = green[a];
    const gB = green[b];
    const edges = Math.imul(green[b + 1] - gB, endPart) - Math.imul(green[a + 1] - gA, startPart);
    const g = gB - gA + (edges >> 8);
    out[u] =
      ((Math.imul(rb & 0xffff, gain) + 0x8000) >>> 16) |
      (((Math.imul(g, gain) + 0x8000) >>> 8) & 0xff00) |
      ((Math.imul(rb >>> 16, gain) + 0x8000) & 0xff0000);
  }
  if (step === 2) fillOddPlaces(out, from, to);
}

/** Gives every other pixel the mean of its neighbours. */
function fillOddPlaces(out, from, to) {
  let left = out[from];
  let u = from + 1;
  for (; u + 1 < to; u += 2) {
    const right = out[u + 1];
    out[u] = (left & right) + (((left ^ right) & 0xfefefe) >>> 1);
    left = right;
  }
  if (u < to) out[u] = left;
}

/**
 * Writes the pixels that lie between line k − 1 and line k, blended from the two.  `places` are
 * those of the pixels on line 0 in `out`, `base` the way from there to line k.
 */
export function blendLines(out, before, current, places, base, blends, from, to) {
  for (let u = from; u < to; u++) {
    const w = blends[u];
    const p = before[u];
    const q = current[u];
    const rbQ = q & RED_BLUE;
    const gQ = q & GREEN;
    // 32 q + w (p − q); a colour's borrow from its neighbour is given back by the sum.
    const rb = ((rbQ << 5) + Math.imul((p & RED_BLUE) - rbQ, w) + 0x100010) | 0;
    const g = ((gQ << 5) + Math.imul((p & GREEN) - gQ, w) + 0x1000) | 0;
    out[base + places[u]] = ((rb >>> 5) & RED_BLUE) | ((g >>> 5) & GREEN);
  }
}

/** Where the least and the greatest value of any colour are: [value, x, y, colour] each. */
export function findExtremes(words, size, stride, step) {
  let least = [256, 0, 0, 0];
  let most = [-1, 0, 0, 0];
  for (let y = 0; y < size; y += step) {
    for (let x = 0; x < size; x += step) {
      const pixel = words[y * stride + x];
      for (let channel = 0, bits = 0; channel < 3; channel++, bits += 8) {
        const level = (pixel >>> bits) & 0xff;
        if (level < least[0]) least = [level, x, y, channel];
        if (level > most[0]) most = [level, x, y, channel];
      }
    }
  }
  return [least, most];
}

/** Copies a picture to where a shift by whole pixels takes it, through a table of levels. */
export function placeWords(out, words, size, stride, columns, rows, levels) {
  for (let y = 0; y < size; y++) {
    const row = rows[y] * stride;
    const at = y * size;
    for (let x = 0; x < size; x++) {
      const pixel = words[row + columns[x]];
      out[at + x] =
        levels[pixel & 0xff] |
        (levels[(pixel >>> 8) & 0xff] << 8) |
        (levels[(pixel >>> 16) & 0xff] << 16) |
        OPAQUE;
    }
  }
}

/** The same from a picture with rows for columns, block by block for the sake of the caches. */
export function placeTurnedWords(out, words, size, stride, columns, rows, levels) {
  const block = 16;
  for (let top = 0; top < size; top += block) {
    const bottom = Math.min(top + block, size);
    for (let left = 0; left < size; left += block) {
      const right = Math.min(left + block, size);
      for (let x = left; x < right; x++) {
        const column = columns[x] * stride;
        for (let y = top; y < bottom; y++) {
          const pixel = words[column + rows[y]];
          out[y * size + x] =
            levels[pixel & 0xff] |
            (levels[(pixel >>> 8) & 0xff] << 8) |
            (levels[(pixel >>> 16) & 0xff] << 16) |
            OPAQUE;
        }
      }
    }
  }
}
