// @module kernels: the two motion-blur kernels and their audit, equal to blurdash/kernel.py.
//
// A kernel is a plain object
//
//   {size, taps, unit}
//     size   side of the square array it comes from; its anchor is row and column size >> 1
//     taps   Float64Array [dx, dy, weight, dx, dy, weight, …], non-zero weights only;
//            dx counts columns to the right of the anchor, dy rows *down* from it
//     unit   the whole number by which every weight becomes a whole number; 0 where there is none
//
// Filtering correlates: out(x, y) = Σ weight · in(x + dx, y + dy), as cv2.filter2D does.

import { ROWS } from "../rows.js";

// cv2.warpAffine works on fixed-point coordinates: 10 bits while it adds, 5 bits when it samples.
const WARP_SCALE = 1 << 10;
const WARP_STEPS = 1 << 5;
const WARP_HALF_STEP = WARP_SCALE / WARP_STEPS / 2;

const SPACING_HALVINGS = 60;

/**
 * The study's kernel: a degree × degree diagonal turned by cv2.warpAffine, divided by degree.
 *
 * Not of unit mass and not centred; angle 45 is a horizontal streak.  See kernel.py.
 * @param {number} degree whole number 0..100, px
 * @param {number} angle degrees; for degree 1 the angle that Python drew (Change.used_angle)
 * @returns {{size: number, taps: Float64Array, unit: number}}
 */
function studyKernel(degree, angle) {
  if (degree === 0) return identityKernel();
  const turn = inverseRotation(degree / 2, angle);
  const anchor = degree >> 1;
  const taps = [];
  for (let row = 0; row < degree; row++) {
    const rowX = roundHalfEven((turn[1] * row + turn[2]) * WARP_SCALE) + WARP_HALF_STEP;
    const rowY = roundHalfEven((turn[4] * row + turn[5]) * WARP_SCALE) + WARP_HALF_STEP;
    for (let column = 0; column < degree; column++) {
      const x = (rowX + roundHalfEven(turn[0] * column * WARP_SCALE)) >> 5;
      const y = (rowY + roundHalfEven(turn[3] * column * WARP_SCALE)) >> 5;
      const weight = diagonalAt(x, y, degree);
      if (weight > 0) taps.push(column - anchor, row - anchor, weight / degree);
    }
  }
  return { size: degree, taps: Float64Array.from(taps), unit: degree * WARP_SCALE };
}

/**
 * A straight, centred kernel of unit mass and exact length, counter-clockwise from horizontal.
 * @param {number} length 0..100, px, fractions allowed
 * @param {number} angle degrees as displayed
 * @returns {{size: number, taps: Float64Array, unit: number}}
 */
function lineKernel(length, angle) {
  if (length <= 1) return identityKernel();
  const [cosine, sine] = directionVector(angle);
  const count = Math.ceil(length);
  const places = Array.from({ length: count }, (_, i) => i - (count - 1) / 2);
  const spacing = solveSpacing(places, cosine, sine, (length * length - 1) / 12);
  // Rows count downwards, so a counter-clockwise angle goes up by a negative row.
  const xs = places.map((place) => place * spacing * cosine);
  const ys = places.map((place) => -place * spacing * sine);
  return splatted(xs, ys, new Float64Array(count).fill(1 / count), true);
}

/** The kernel that changes nothing. */
export function identityKernel() {
  return { size: 1, taps: Float64Array.of(0, 0, 1), unit: 1 };
}

/**
 * What a kernel does to a picture, as audit_kernel in kernel.py.
 * @returns {{mass: number, offset: number, length: number, direction: number}} offset of the
 *   centroid and effective length in px; direction in degrees [0, 180), NaN where there is none
 */
export function audit(kernel) {
  const { mass, dx, dy, varX, varY, cov } = moments(kernel);
  if (Math.abs(mass) < 1e-12) return { mass, offset: NaN, length: NaN, direction: NaN };
  const up = -cov; // moments count rows downwards, a direction counts upwards
  const spread = Math.hypot(varX - varY, 2 * up);
  const along = (varX + varY + spread) / 2;
  let direction = ((Math.atan2(2 * up, varX - varY) / 2) * 180) / Math.PI;
  direction = ((direction % 180) + 180) % 180;
  if (spread < 1e-9) direction = NaN;
  else if (Math.abs(direction - 180) < 5e-10) direction = 0;
  return {
    mass,
    offset: Math.hypot(dx, dy),
    length: Math.sqrt(Math.max(12 * along + 1, 0)),
    direction,
  };
}

/** Mass, centroid (right, down) and second moments of a kernel's taps, in px and px². */
function moments({ taps }) {
  let mass = 0;
  let dx = 0;
  let dy = 0;
  for (let i = 0; i < taps.length; i += 3) {
    mass += taps[i + 2];
    dx += taps[i + 2] * taps[i];
    dy += taps[i + 2] * taps[i + 1];
  }
  dx /= mass;
  dy /= mass;
  let varX = 0;
  let varY = 0;
  let cov = 0;
  for (let i = 0; i < taps.length; i += 3) {
    const x = taps[i] - dx;
    const y = taps[i + 1] - dy;
    varX += taps[i + 2] * x * x;
    varY += taps[i + 2] * y * y;
    cov += taps[i + 2] * x * y;
  }
  return { mass, dx, dy, varX: varX / mass, varY: varY / mass, cov: cov / mass };
}

/**
 * The same kernel for a picture drawn at another size: its taps moved by the scale, and by `offset`
 * [right, down] px of that size, and laid down bilinearly on the new grid.
 */
export function scaledKernel(kernel, scale, offset = [0, 0]) {
  if (scale === 1 && !offset[0] && !offset[1]) return kernel;
  const count = kernel.taps.length / 3;
  const place = (axis) =>
    Float64Array.from({ length: count }, (_, i) => kernel.taps[3 * i + axis] * scale + offset[axis]);
  const weights = Float64Array.from({ length: count }, (_, i) => kernel.taps[3 * i + 2]);
  return splatted(place(0), place(1), weights, false);
}

const KERNEL_MAKERS = { study: studyKernel, line: lineKernel };

/** Rows of the KERNELS table of kernel.py by name; `make` is null for those that only the server draws. */
export const KERNELS = Object.fromEntries(Object.entries(ROWS.kernels).map(([name, row]) =>
  [name, { ...row, make: row.drawn_here ? KERNEL_MAKERS[name] ?? null : null }]));

/** The angle that a kernel is really made with: one may draw its own at degree 1. */
export function usedAngle(kernel, degree, angle) {
  const own = KERNELS[kernel].own_angle;
  return own !== null && degree === 1 ? own : angle;
}

/** Rounds as C's rint does: halves go to the even neighbour. */
function roundHalfEven(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** cv2.getRotationMatrix2D about (centre, centre), inverted step by step as warpAffine does it. */
function inverseRotation(centre, angle) {
  const radians = angle * (Math.PI / 180);
  const cosine = Math.cos(radians);
  const sine = Math.sin(radians);
  const moveX = (1 - cosine) * centre - sine * centre;
  const moveY = sine * centre + (1 - cosine) * centre;
  const factor = 1 / (cosine * cosine - sine * -sine);
  const [a, b, c, d] = [cosine * factor, sine * -factor, -sine * -factor, cosine * factor];
  return [a, b, -a * moveX - b * moveY, c, d, -c * moveX - d * moveY];
}

/** Bilinear sample of a size × size diagonal of ones at fixed-point (x, y); 0 outside. */
function diagonalAt(x, y, size) {
  const column = x >> 5;
  const row = y >> 5;
  const fx = (x & (WARP_STEPS - 1)) / WARP_STEPS;
  const fy = (y & (WARP_STEPS - 1)) / WARP_STEPS;
  const inside = (place) => place >= 0 && place < size;
  let weight = 0;
  if (column === row) {
    if (inside(row)) weight += (1 - fx) * (1 - fy);
    if (inside(row + 1)) weight += fx * fy;
  } else if (column === row + 1) {
    if (inside(column)) weight += (1 - fx) * fy;
  } else if (row === column + 1) {
    if (inside(row)) weight += fx * (1 - fy);
  }
  return weight;
}

/** Cosine and sine of an angle modulo 180, exact at the multiples of 45 degrees. */
function directionVector(angle) {
  const turned = ((angle % 180) + 180) % 180;
  const half = Math.SQRT1_2;
  const exact = { 0: [1, 0], 45: [half, half], 90: [0, 1], 135: [-half, half] };
  const radians = turned * (Math.PI / 180);
  return exact[turned] ?? [Math.cos(radians), Math.sin(radians)];
}

/** Tap spacing at which the bilinearly laid line has `variance` along its direction. */
function solveSpacing(places, cosine, sine, variance) {
  const spread = places.reduce((sum, place) => sum + place * place, 0) / places.length;
  const excess = (spacing) => {
    let along = spread * spacing * spacing;
    for (const part of [cosine, sine]) {
      // A tap split between two pixels at fraction f adds f (1 − f) to that axis.
      let split = 0;
      for (const place of places) {
        const at = place * spacing * part;
        const fraction = at - Math.floor(at);
        split += fraction * (1 - fraction);
      }
      along += (part * part * split) / places.length;
    }
    return along - variance;
  };
  let low = 0;
  let high = 1;
  if (excess(high) <= 0) return high;
  for (let i = 0; i < SPACING_HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (excess(middle) < 0) low = middle;
    else high = middle;
  }
  return high;
}

/** Kernel of bilinear taps at the given offsets; `symmetric` makes it so to the last bit. */
function splatted(xs, ys, weights, symmetric) {
  let reach = 0;
  for (let i = 0; i < xs.length; i++) {
    reach = Math.max(reach, Math.ceil(Math.abs(xs[i])), Math.ceil(Math.abs(ys[i])));
  }
  const centre = reach + 1; // one more on every side for the bilinear neighbours
  const side = 2 * centre + 1;
  const grid = new Float64Array(side * side);
  for (let i = 0; i < xs.length; i++) {
    const column = Math.floor(xs[i]);
    const row = Math.floor(ys[i]);
    const fx = xs[i] - column;
    const fy = ys[i] - row;
    const at = (row + centre) * side + column + centre;
    grid[at] += weights[i] * (1 - fx) * (1 - fy);
    grid[at + 1] += weights[i] * fx * (1 - fy);
    grid[at + side] += weights[i] * (1 - fx) * fy;
    grid[at + side + 1] += weights[i] * fx * fy;
  }
  const taps = [];
  for (let at = 0; at < grid.length; at++) {
    const weight = symmetric ? (grid[at] + grid[grid.length - 1 - at]) / 2 : grid[at];
    if (weight > 0) taps.push((at % side) - centre, Math.floor(at / side) - centre, weight);
  }
  return { size: 2 * reach + 1, taps: Float64Array.from(taps), unit: 0 };
}
