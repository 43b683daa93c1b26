// @module own search: pairs of pictures that tell the argument on the face on screen, found in this browser:
// what blurdash/search.py and blurdash/twins.py find (tests hold one against the other).

import { KERNELS, audit, usedAngle } from "../pictures/kernels.js";
import { ROWS } from "../rows.js";
import { measureCalled } from "./argument_sentences.js";
import { awayOf, wholePx } from "./equivalents.js";
import { asSent, fixed, formatted, significant } from "./texts.js";

const COARSE_DEGREES = [2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100];
const COARSE_SHARES = [0.125, 0.25, 0.5, 0.75, 1];
const FINEST_SHIFT = 0.5; // px of shift and of blur, where a search stops halving
const FINEST_DEGREE = 1;
const LEAST_RANGE = 1e-9;
const FLIP_DEGREES = [20, 40, 60, 80, 100];
const FLIP_ANGLES = [0, 30, 60, 90, 120, 150];
const FLIP_STEPS = [15, 7.5];
const FLIP_GAP = 10; // px between the two degrees
const FARTHEST_TWIN = 256; // px of shift
const TWIN_HALVINGS = 40;

/**
 * @typedef {object} Measurer
 * @property {(view: object, reference?: string) => Promise<object>} measure the numbers of a view of the face,
 *   by measure (renderer.js); it rejects where the search is to end
 */

/** A view of the face: blurred, or only moved. */
function blurredView(kernel, degree, angle) {
  return { kernel, degree, angle, used_angle: usedAngle(kernel, degree, angle), shift_x: 0, shift_y: 0 };
}

function movedView(kernel, [x, y]) {
  return { kernel, degree: 0, angle: 0, used_angle: 0, shift_x: x, shift_y: y };
}

/** A shift so far along a direction, in so many decimals. */
function placeOf([x, y], far, decimals) {
  const length = Math.hypot(x, y);
  return [x, y].map((part) => Number(fixed((part / length) * far, decimals)) + 0);
}

/**
 * The pair on which the recogniser and the pixel measures disagree most: it prefers the sharp picture, they
 * prefer the blurred one, each as clearly as can be.
 * @param {Measurer} measurer
 * @param {{kernel: string, angle: number, direction: number[], limit: number}} where
 * @returns {Promise<{degree: number, shift: number[], note: string}>}
 */
export async function findDisagreement(measurer, where) {
  const hunt = new Hunt(measurer, where);
  let shifts = COARSE_SHARES.map((share) => share * where.limit);
  let degrees = COARSE_DEGREES;
  for (;;) {
    const best = await hunt.clearest(shifts, degrees);
    const more = [halfway(shifts, best.far, FINEST_SHIFT), halfway(degrees, best.degree, FINEST_DEGREE).map((one) => Number(wholePx(one)))];
    const fresh = [more[0].filter((one) => !shifts.includes(one)), more[1].filter((one) => !degrees.includes(one))];
    if (!fresh[0].length && !fresh[1].length) return hunt.told(best);
    [shifts, degrees] = [shifts, degrees].map((known, i) => [...new Set([...known, ...fresh[i]])].sort((one, other) => one - other));
  }
}

/** Values half-way from the best to its neighbours, while these are further than the finest. */
function halfway(values, best, finest) {
  const place = values.indexOf(best);
  return [place - 1, place + 1].filter((i) => i in values && Math.abs(best - values[i]) > finest).map((i) => (best + values[i]) / 2);
}

/** Margins of pairs of one face; every picture is measured once. */
class Hunt {
  constructor(measurer, where) {
    Object.assign(this, where, { measurer });
    this.known = new Map();
  }

  async of(view) {
    const name = JSON.stringify(view);
    if (!this.known.has(name)) this.known.set(name, await this.measurer.measure(view));
    return this.known.get(name);
  }

  async clearest(shifts, degrees) {
    let best = null;
    for (const far of shifts) {
      for (const degree of degrees) {
        const least = Math.min(...Object.values(await this.margins(far, degree)));
        if (!best || least > best.least) best = { far, degree, least };
      }
    }
    return best;
  }

  /** Each one's margin, as a share of what a blur of 100 px does to it. */
  async margins(far, degree) {
    const sharp = await this.of(movedView(this.kernel, placeOf(this.direction, far, 6)));
    const blurred = await this.of(blurredView(this.kernel, degree, this.angle));
    const most = await this.of(blurredView(this.kernel, ROWS.degrees[1], this.angle));
    const margin = (name) => {
      const tile = measureCalled(name);
      const [one, other, range] = [sharp, blurred, most].map((values) => awayOf(asSent(values[name]), tile));
      const gap = (other - one) / Math.max(Math.abs(range), LEAST_RANGE);
      return Number.isFinite(gap) ? gap : -1;
    };
    return Object.fromEntries([[ROWS.embedding, margin(ROWS.embedding)], ...ROWS.argument.rivals.map((name) => [name, -margin(name)])]);
  }

  async told({ far, degree }) {
    const against = Object.values(await this.margins(far, degree)).some((margin) => margin <= 0);
    const shift = placeOf(this.direction, far, 6);
    const pair = `a shift of ${three(Math.hypot(...shift))} px against a blur of ${degree} px`;
    const note = against ? `No pair of this face disagrees with a shift up to ${six(this.limit)} px; nearest is ${pair}.` : `Found: ${pair}.`;
    return { degree, shift, note };
  }
}

/**
 * A blurred and a sharp, moved picture of the face that a pixel measure takes for alike: the shift is kept and
 * the blur's length halved; where no length will do, the nearest is kept and the shift halved.
 * @param {Measurer} measurer
 * @param {{metric: string, angle: number, shift: number[]}} where the shift in px, not none
 * @returns {Promise<{found: boolean, length: number, angle: number, shift: number[], note: string}>}
 */
export async function findTwins(measurer, { metric, angle, shift }) {
  const kernel = ROWS.argument.twin_kernel;
  const row = measureCalled(metric);
  const far = Math.hypot(...shift);
  const ofBlur = async (length) => (await measurer.measure(blurredView(kernel, length, angle)))[metric];
  const ofShift = async (px) => (await measurer.measure(movedView(kernel, placeOf(shift, px, 9))))[metric];
  const [, longest] = ROWS.degrees;
  let amount = await halved(row, ofBlur, await ofShift(far), longest);
  let [length, moved, instead] = [amount.best, far, 0];
  if (!amount.found) {
    amount = await halved(row, ofShift, await ofBlur(length), FARTHEST_TWIN);
    [moved, instead] = [amount.best, far];
  }
  const place = placeOf(shift, moved, 9);
  const pair = [await measurer.measure(movedView(kernel, place)), await measurer.measure(blurredView(kernel, length, angle))];
  const notes = [twinNote(row, { length, moved, instead, found: amount.found, longest })];
  if (amount.found) notes.push(twinSentence(row, pair, length, place));
  return { found: amount.found, length, angle, shift: place, note: notes.filter(Boolean).join(" ") };
}

/** The amount in 0..`most` whose value is the wanted one, by bisection. */
async function halved({ higher, twin_tolerance: tolerance }, value, wanted, most) {
  const prefers = (one, other) => (higher ? one > other : one < other);
  let [low, high] = [0, most];
  const farthest = await value(most);
  let [best, off] = [most, Math.abs(differenceOf(farthest, wanted))];
  if (off > tolerance && prefers(farthest, wanted)) return { best, found: false };
  for (let i = 0; i < TWIN_HALVINGS && off > tolerance; i++) {
    const middle = (low + high) / 2;
    const here = await value(middle);
    const away = Math.abs(differenceOf(here, wanted));
    if (away < off) [best, off] = [middle, away];
    if (prefers(here, wanted)) low = middle;
    else high = middle;
  }
  return { best, found: off <= tolerance };
}

function differenceOf(first, second) {
  return first === second ? 0 : first - second;
}

function twinNote({ label }, { length, moved, instead, found, longest }) {
  if (!found) return `No shift along this direction fits a blur of ${three(length)} px by ${label}.`;
  if (!instead) return "";
  if (length !== longest) return `No blur fits to the last digit: a shift of ${three(moved)} px is taken.`;
  return `${label} calls a shift of ${three(instead)} px worse than every blur up to ${three(length)} px: a shift of ${three(moved)} px is taken.`;
}

function twinSentence({ measure, label, unit, decimals, twin_tolerance: tolerance }, [sharp, blurred], length, place) {
  const digits = decimals + 1; // one more than is shown, as twins are closer than that
  const alike = `${label} ${formatted(asSent(blurred[measure]), digits)} ${unit}`.trim();
  const off = formatted(Math.abs(differenceOf(sharp[measure], blurred[measure])), digits + 1);
  const apart = formatted(differenceOf(sharp[ROWS.embedding], blurred[ROWS.embedding]), 4);
  return `Twins, ${alike} both (difference ${off}, at most ${six(tolerance)}): an exact line of ${fixed(length, 2)} px and a shift of ${three(Math.hypot(...place))} px; the embedding puts them ${apart} apart in cosine similarity.`;
}

/**
 * Two blurs of which the one of the larger degree has the higher cosine similarity.
 * @param {Measurer} measurer
 * @param {{kernel: string}} where
 * @returns {Promise<{longer: object, shorter: object, note: string}>} degree and angle of either
 */
export async function findAngleFlip(measurer, { kernel }) {
  const cosine = async (degree, angle) => (await measurer.measure(blurredView(kernel, degree, angle)))[ROWS.embedding];
  const known = new Map();
  for (const degree of FLIP_DEGREES) {
    known.set(degree, []);
    for (const angle of FLIP_ANGLES) known.get(degree).push([angle, await cosine(degree, angle)]);
  }
  for (const step of FLIP_STEPS) {
    for (const [degree, angle] of bestFlip(known)) {
      for (const near of [angle - step, angle + step]) known.get(degree).push([near, await cosine(degree, near)]);
    }
  }
  const sides = [];
  for (const [degree, angle] of bestFlip(known)) {
    const { direction } = audit(KERNELS[kernel].make(degree, angle));
    const line = blurredView(ROWS.argument.twin_kernel, degree, Number.isNaN(direction) ? 0 : direction);
    sides.push({ degree, angle, value: await cosine(degree, angle), line: (await measurer.measure(line, kernel))[ROWS.embedding] });
  }
  const [longer, shorter] = sides;
  return { longer, shorter, note: flipNote(longer, shorter) };
}

/** The pair of blurs, longer and shorter, whose margin is largest. */
function bestFlip(known) {
  let best = null;
  for (const [long, of] of known) {
    for (const [short, others] of known) {
      if (long - short < FLIP_GAP) continue;
      const high = of.reduce((one, other) => (other[1] > one[1] ? other : one));
      const low = others.reduce((one, other) => (other[1] < one[1] ? other : one));
      const pair = { margin: high[1] - low[1], sides: [[long, high[0]], [short, low[0]]] };
      if (!best || isAfter([pair.margin, ...pair.sides.flat()], [best.margin, ...best.sides.flat()])) best = pair;
    }
  }
  return best.sides;
}

/** Whether numbers are larger than others, the first that differs deciding. */
function isAfter(one, other) {
  const at = one.findIndex((value, i) => value !== other[i]);
  return at >= 0 && one[at] > other[at];
}

function flipNote(longer, shorter) {
  const [long, short] = [longer, shorter].map(({ degree, angle }) => `${degree} px at ${six(angle)}°`);
  if (longer.value <= shorter.value) {
    return `No larger degree of this face scores higher than a smaller one; the nearest is ${long} against ${short}, ${fixed(shorter.value - longer.value, 4)} lower.`;
  }
  const exact = `${fixed(longer.line, 4)} against ${fixed(shorter.line, 4)}`;
  const whose = longer.line <= shorter.line
    ? `It is the recipe's geometry: exact lines of these lengths and directions give ${exact}.`
    : `It is the face: exact lines of these lengths and directions give ${exact} as well.`;
  return `Found for this face: ${long} keeps ${fixed(longer.value, 4)}, ${short} only ${fixed(shorter.value, 4)}. ${whose}`;
}

function three(value) {
  return significant(value, 3);
}

function six(value) {
  return significant(value, 6);
}
