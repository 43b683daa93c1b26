// @module sweeps numbers: what is read off a sweep's curves: values at the cursor, ranges, spreads of strangers.

import { ROWS } from "../rows.js";
import { roundTicks } from "../widgets/frame.js";
import { formatted, shown } from "../widgets/texts.js";

export const SAME = "same"; // how many faces the recogniser takes for themselves: a graph of its own
const SIGMAS_OF_95 = 3.92; // standard deviations between the ends of a normal spread's middle 95 %
const AIR = 0.03; // beyond what is drawn, as a share of it

/** What is known of a measure, by what scripts call it. */
export function rowOf(measure) {
  return ROWS.tiles.find(({ id }) => id === measure);
}

/** A number of a measure as it is shown, with its unit. */
export function saidOf(measure, value) {
  const { decimals, unit } = rowOf(measure);
  return `${shown(formatted(value, decimals))}${unit && typeof value === "number" ? ` ${unit}` : ""}`;
}

/** Which of the places that were measured lies nearest to one. */
export function nearest(xs, at) {
  return xs.reduce((best, x, i) => (Math.abs(x - at) < Math.abs(xs[best] - at) ? i : best), 0);
}

/** What stands at the cursor of a curve: the place, the mean, half its interval, n, how many pass. */
export function readOff(curves, measure, at) {
  const i = nearest(curves.x, at);
  const curve = curves.of[measure];
  const [mean, low, high] = [curve.mean[i], curve.low[i], curve.high[i]];
  const half = typeof low === "number" && typeof high === "number" && curve.n[i] > 1 ? (high - low) / 2 : null;
  return { i, x: curves.x[i], mean, half, n: curve.n[i], identical: curve.identical[i] };
}

/** How far a measure's graphs reach, the same in all of them: over faces, strangers and the visitor's own. */
export function reachOf(data, measure) {
  const { curves, strangers, threshold } = data.first;
  return reachOver(measure, [
    ...Object.values(curves).flatMap((one) => drawnOf(one, measure)),
    ...Object.values(data.mine?.curves ?? {}).map((one) => one.of[measure] ?? []),
    strangers?.of[measure] ?? [],
    threshold?.measure === measure ? [threshold.value] : [],
  ]);
}

/** What is drawn of a curve, in lists; none where there is no such measure. */
export function drawnOf(curves, measure) {
  const curve = curves.of[measure];
  return curve ? [...curve.faces, curve.low, curve.high] : [];
}

/** How far a measure's axis reaches over lists of values, what equal pictures have among them. */
export function reachOver(measure, lists) {
  const all = lists.flat().filter((value) => typeof value === "number");
  const { identical_at: identical } = rowOf(measure);
  if (typeof identical === "number") all.push(identical);
  return roundReach(Math.min(...all), Math.max(...all), identical);
}

/** A reach with a little air, but none beyond what equal pictures give. */
export function roundReach(low, high, identical) {
  if (!(high > low)) return Number.isFinite(low) ? [low - 0.5, low + 0.5] : [0, 1];
  const air = AIR * (high - low);
  return [low === identical ? low : low - air, high === identical ? high : high + air];
}

/** Ticks of a measure's axis, and how they are said. */
export function ticksOf(measure, [low, high], most) {
  const { ticks, digits } = roundTicks(low, high, most);
  const { unit } = rowOf(measure);
  return { ticks, said: (value) => `${shown(value.toFixed(digits))}${unit ? ` ${unit}` : ""}` };
}

/** A measure's own unit for one recogniser: 0 is a stranger, up is oneself; null where it has none. */
export function sigmaOf(swept, measure) {
  const band = swept.strangers?.unit ? swept.strangers.of[measure] : null;
  if (!band || !(band[2] > band[0])) return null;
  const [low, median, high] = band;
  const { higher, identical_at: identical } = rowOf(measure);
  const spread = (high - low) / SIGMAS_OF_95;
  const of = (value) => (typeof value === "number" ? ((value - median) / spread) * (higher ? 1 : -1) : null);
  const [far, near] = [of(low), of(high)].sort((a, b) => a - b);
  return { of, far, near, identical: of(identical), closer: (value) => of(value) > near };
}

/** How many of the faces at a place lie closer than 95 % of strangers, and of how many. */
export function closerThanStrangers(curves, measure, i, sigma) {
  const known = curves.of[measure].faces.map((face) => face[i]).filter((value) => typeof value === "number");
  return { closer: known.filter((value) => sigma.closer(value)).length, n: known.length };
}

/** The smallest degree at which a face lies among strangers; null where none does. */
export function firstAmongStrangers(curves, measure, sigma) {
  const i = curves.x.findIndex((_, at) => curves.of[measure].faces.some((face) => typeof face[at] === "number" && !sigma.closer(face[at])));
  return i < 0 ? null : curves.x[i];
}
