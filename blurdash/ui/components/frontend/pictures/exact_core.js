// @module exact core: the full-size blurred picture, equal to Python's apply_change within a grey level.
//
// The source text of the functions down to `exactWorkerMain` is handed to a worker (see WORKER_PARTS),
// so they may use nothing but one another and `roundHalfEven`.  Without workers the same
// generators run on the page in small slices.
//
// Two ideas carry the speed.  Weights are whole numbers (of 1/unit), so sums are exact in float64;
// and as a sum needs at most 26 bits, one float64 holds two pixels: row y in its low bits and row
// y + half in its high bits.  One multiply-add then filters both.
//
// Levels are kept as *half levels* 0..510: even numbers are grey levels, odd ones mark a sum that
// lies close to the middle between two levels.  For a small kernel OpenCV's float32 sum is then done
// again step by step and says which.  For a large one OpenCV goes through a Fourier transform whose
// last bits are a toss-up: the middle of both outcomes is kept, so that neither is a level off.

import { roundHalfEven } from "./kernels.js";

/** Index mirrored into 0..size−1 without repeating the edge: cv2.BORDER_REFLECT_101. */
export function mirrored(index, size) {
  if (size === 1) return 0;
  const folded = Math.abs(index) % (2 * (size - 1));
  return folded < size ? folded : 2 * (size - 1) - folded;
}

/** Taps that move a signal by `fraction` px to higher indices: Lanczos, 9 of them, sum 1. */
export function lanczosTaps(fraction) {
  const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
  const taps = Float64Array.from({ length: 9 }, (_, i) => {
    const place = i - 4 + fraction;
    return Math.abs(place) < 4 ? sinc(place) * sinc(place / 4) : 0;
  });
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => tap / sum);
}

/**
 * From half level to grey level: the study's min-max stretch where `stretched`, in the float32 steps
 * of cv2.normalize; else as it is.
 * @returns {Float32Array} 511 entries; whole numbers but for those of odd half levels
 */
export function levelTable(stretched, lowest, highest) {
  const scale = highest > lowest ? 255 * (1 / (highest / 2 - lowest / 2)) : 0;
  const factor = Math.fround(stretched ? scale : 1);
  const offset = Math.fround(stretched ? -(lowest / 2) * scale : 0);
  const table = new Float32Array(511);
  for (let half = 0; half < 511; half++) {
    const level = Math.fround((half / 2) * factor + offset);
    table[half] = Math.max(0, Math.min(255, half % 2 === 0 ? roundHalfEven(level) : level));
  }
  return table;
}

/** Rows and padding of one worker's share: rows from `first` and from `first + half`. */
export function bandOf(size, index, count) {
  const half = Math.ceil(size / 2);
  const first = Math.floor((half * index) / count);
  return { size, half, first, rows: Math.floor((half * (index + 1)) / count) - first, pad: 64 };
}

/** The three colour planes of a band, mirrored at the border, two rows packed into one. */
export function packedPlanes(rgba, band) {
  const { size, half, first, rows, pad } = band;
  const width = size + 2 * pad;
  const columns = Int32Array.from({ length: width }, (_, x) => 4 * mirrored(x - pad, size));
  const planes = [0, 1, 2].map(() => new Float64Array(width * (rows + 2 * pad)));
  for (let y = 0; y < rows + 2 * pad; y++) {
    const low = 4 * size * mirrored(first + y - pad, size);
    const high = 4 * size * mirrored(first + half + y - pad, size);
    for (let channel = 0; channel < 3; channel++) {
      const plane = planes[channel];
      for (let x = 0, at = y * width; x < width; x++, at++) {
        const column = columns[x] + channel;
        plane[at] = rgba[low + column] + rgba[high + column] * 0x4000000; // 2 ** 26
      }
    }
  }
  return planes;
}

/** Adds four taps to `sums`: the inner loop of everything. */
export function addFourTaps(sums, plane, starts, weights, tap, row) {
  const [a, b, c, d] = [starts[tap], starts[tap + 1], starts[tap + 2], starts[tap + 3]];
  const [u, v, w, z] = [weights[tap], weights[tap + 1], weights[tap + 2], weights[tap + 3]];
  let [i, j, k, l] = [a + row, b + row, c + row, d + row];
  for (let x = 0; x < sums.length; x++) {
    sums[x] += u * plane[i++] + v * plane[j++] + w * plane[k++] + z * plane[l++];
  }
}

/** Half level of a sum: `scale` is 1 / unit. */
export function halfLevel(sum, scale) {
  const level = sum * scale;
  const whole = Math.floor(level);
  const rest = level - whole;
  const half = 2 * whole + (rest < 0.4999 ? 0 : rest > 0.5001 ? 2 : 1);
  return half < 510 ? half : 510;
}

/** Unpacks a row of sums into the two rows of half levels it stands for. */
export function emitRow(sums, scale, low, high, at) {
  for (let x = 0; x < sums.length; x++) {
    const upper = Math.floor(sums[x] / 0x4000000);
    low[at + x] = halfLevel(sums[x] - upper * 0x4000000, scale);
    high[at + x] = halfLevel(upper, scale);
  }
}

/** Takes a row of half levels into the range [least, greatest]. */
export function widenRange(range, levels, at, size) {
  let [least, most] = range;
  for (let i = at; i < at + size; i++) {
    const level = levels[i];
    if (level < least) least = level;
    if (level > most) most = level;
  }
  range[0] = least;
  range[1] = most;
}

/**
 * Decides the odd half levels of a row as OpenCV does for small kernels: fused multiply-adds in
 * float32, tap after tap, rounded to even at the end.
 */
export function settleRow(levels, at, size, plane, isHigh, starts, floats, row) {
  for (let x = 0; x < size; x++) {
    if ((levels[at + x] & 1) === 0) continue;
    let sum = 0;
    for (let tap = 0; tap < floats.length; tap++) {
      const packed = plane[starts[tap] + row + x];
      const upper = Math.floor(packed / 0x4000000);
      sum = Math.fround(sum + floats[tap] * (isHigh ? upper : packed - upper * 0x4000000));
    }
    const whole = Math.floor(sum);
    const up = sum - whole > 0.5 || (sum - whole === 0.5 && whole % 2 === 1);
    levels[at + x] = 2 * (up ? whole + 1 : whole);
  }
}

/**
 * Filters a band; yields now and then so that the caller can stop or let others run.
 * @param {{taps: Int32Array, unit: number, floats: Float32Array|null}} kernel taps [dx, dy, whole
 *   weight, …]; `floats` are the weights of a small kernel as OpenCV has them
 * @returns {{planes: Uint16Array[][], range: number[]}} per colour the low and the high rows
 */
export function* filterBand(planes, band, kernel) {
  const { size, rows, pad } = band;
  const width = size + 2 * pad;
  const count = Math.ceil(kernel.taps.length / 12) * 4; // in fours; missing taps weigh nothing
  const starts = new Int32Array(count).fill(pad * width + pad);
  const weights = new Float64Array(count);
  for (let tap = 0; 3 * tap < kernel.taps.length; tap++) {
    starts[tap] += kernel.taps[3 * tap + 1] * width + kernel.taps[3 * tap];
    weights[tap] = kernel.taps[3 * tap + 2];
  }
  const range = [510, 0];
  const sums = new Float64Array(size);
  const blurred = planes.map(() => [new Uint16Array(rows * size), new Uint16Array(rows * size)]);
  for (let row = 0; row < rows; row++) {
    for (let channel = 0; channel < 3; channel++) {
      sums.fill(0);
      for (let tap = 0; tap < count; tap += 4) {
        addFourTaps(sums, planes[channel], starts, weights, tap, row * width);
      }
      const [low, high] = blurred[channel];
      const at = row * size;
      emitRow(sums, 1 / kernel.unit, low, high, at);
      if (kernel.floats) {
        settleRow(low, at, size, planes[channel], false, starts, kernel.floats, row * width);
        settleRow(high, at, size, planes[channel], true, starts, kernel.floats, row * width);
      }
      widenRange(range, low, at, size);
      widenRange(range, high, at, size);
    }
    yield;
  }
  return { planes: blurred, range };
}

/** Grey levels of one colour of the whole picture, gathered from the bands; not yet rounded. */
export function gatherPlane(parts, bands, channel, table) {
  const { size, half } = bands[0];
  const plane = new Float32Array(size * size);
  parts.forEach((part, index) => {
    const { first, rows } = bands[index];
    part.planes[channel].forEach((from, high) => {
      const offset = (first + (high ? half : 0)) * size;
      const length = Math.min(rows * size, plane.length - offset); // odd sizes: no last row
      for (let i = 0; i < length; i++) plane[offset + i] = table[from[i]];
    });
  });
  return plane;
}

/**
 * One plane moved right and down by fractions of a pixel, on top of whole ones: a row pass, then a
 * column pass, over what the whole move has mirrored in.
 */
export function lanczosMoved(plane, size, [wholeX, wholeY], fractionX, fractionY) {
  const wide = size + 8;
  const columns = Int32Array.from({ length: wide }, (_, i) => mirrored(i - 4 - wholeX, size));
  const rows = Int32Array.from({ length: wide }, (_, i) => mirrored(i - 4 - wholeY, size));
  const starts = { x: Int32Array.from({ length: 8 }, (_, i) => i) };
  starts.y = starts.x.map((i) => i * size);
  // Below a whole pixel the ninth tap is always zero.
  const weights = { x: lanczosTaps(fractionX), y: lanczosTaps(fractionY) };
  const padded = new Float64Array(wide);
  const moved = new Float64Array(wide * size);
  for (let y = 0; y < wide; y++) {
    const row = rows[y] * size;
    for (let x = 0; x < wide; x++) padded[x] = plane[row + columns[x]];
    const sums = moved.subarray(y * size, (y + 1) * size);
    for (const tap of [0, 4]) addFourTaps(sums, padded, starts.x, weights.x, tap, 0);
  }
  const levels = new Uint8ClampedArray(plane.length);
  const sums = new Float64Array(size);
  for (let y = 0; y < size; y++) {
    sums.fill(0);
    for (const tap of [0, 4]) addFourTaps(sums, moved, starts.y, weights.y, tap, y * size);
    levels.set(sums, y * size); // rounds halves to even and clips, as NumPy's rint and clip do
  }
  return levels;
}

/** One plane moved by whole pixels and written into the picture, which rounds it. */
export function placePlane(rgba, plane, size, [wholeX, wholeY], channel) {
  const columns = Int32Array.from({ length: size }, (_, x) => mirrored(x - wholeX, size));
  for (let y = 0; y < size; y++) {
    const row = size * mirrored(y - wholeY, size);
    const at = 4 * size * y + channel;
    for (let x = 0; x < size; x++) rgba[at + 4 * x] = plane[row + columns[x]];
  }
}

/**
 * Stretch and shift: from all bands to the finished picture.
 * @param {{stretched: boolean, shift: number[]}} job shift [right, down] in px
 * @returns {Uint8ClampedArray} RGBA
 */
export function* finishPicture(parts, bands, job) {
  const { size } = bands[0];
  const lowest = Math.min(...parts.map((part) => part.range[0]));
  const highest = Math.max(...parts.map((part) => part.range[1]));
  const table = levelTable(job.stretched, lowest, highest);
  const whole = job.shift.map(Math.floor);
  const [fractionX, fractionY] = job.shift.map((amount, axis) => amount - whole[axis]);
  const rgba = new Uint8ClampedArray(4 * size * size).fill(255);
  for (let channel = 0; channel < 3; channel++) {
    let plane = gatherPlane(parts, bands, channel, table);
    yield;
    const between = fractionX || fractionY;
    if (between) plane = lanczosMoved(plane, size, whole, fractionX, fractionY);
    yield;
    placePlane(rgba, plane, size, between ? [0, 0] : whole, channel);
    yield;
  }
  return rgba;
}

/** Runs a generator in slices; resolves with its value, or null once `stale()` says so. */
export async function runSliced(generator, sliceMs, stale) {
  const channel = new MessageChannel();
  const pause = () =>
    new Promise((resolve) => {
      channel.port1.onmessage = resolve;
      channel.port2.postMessage(0);
    });
  try {
    for (;;) {
      const end = performance.now() + sliceMs;
      do {
        const step = generator.next();
        if (step.done) return step.value;
      } while (performance.now() < end);
      await pause();
      if (stale()) return null;
    }
  } finally {
    channel.port1.close();
  }
}

/** What a worker does: keeps its band of the picture, filters on demand, the latest job wins. */
export function exactWorkerMain() {
  const sliceMs = 8;
  let band = null;
  let planes = null;
  let latest = 0;
  const answers = {
    picture({ rgba, size, index, count }) {
      band = bandOf(size, index, count);
      planes = packedPlanes(rgba, band);
    },
    stop({ job }) {
      latest = job;
    },
    async filter({ job, kernel }) {
      latest = job;
      const part = await runSliced(filterBand(planes, band, kernel), sliceMs, () => job !== latest);
      if (!part) return;
      const buffers = part.planes.flat().map((plane) => plane.buffer);
      self.postMessage({ job, part }, buffers);
    },
    async finish({ job, parts, bands, settings }) {
      const steps = finishPicture(parts, bands, settings);
      const rgba = await runSliced(steps, sliceMs, () => job !== latest);
      if (rgba) self.postMessage({ job, rgba }, [rgba.buffer]);
    },
  };
  self.onmessage = ({ data }) => answers[data.ask](data);
}
