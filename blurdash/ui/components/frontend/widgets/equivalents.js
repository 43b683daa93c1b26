// @module equivalents: the blur that a measure takes a picture for, read off the face's own curve: what
// blurdash/argument.py finds (tests hold one against the other).

import { ROWS } from "../rows.js";

export const LEAST_SAID = 10; // px: a curve's first few degrees are too unlike each other to name one
const NEIGHBOURS_PX = 3; // crossings that lie closer are one range
const DRAWN_DEGREE = 1; // the study draws its angle

/**
 * All degrees at which a curve has a value.
 * @param {number|string} value as Python sends it
 * @param {Array<[number, number|string]>} curve degree and value, in rising order
 * @param {object} tile the measure, of ROWS.tiles
 * @returns {{ranges: number[][], side: string, first: number, last: number, text: string}|null} null where
 *   there is no value, or too little of the curve
 */
export function equivalentOf(value, curve, tile) {
  const points = curve.filter(([degree, at]) => degree !== DRAWN_DEGREE && isNumber(at)).map(([degree, at]) => [degree, awayOf(at, tile)]);
  if (points.length < 2 || !isNumber(value)) return null;
  const level = awayOf(value, tile);
  const ranges = rangesOf(crossingsOf(points, level));
  const outside = level < Math.min(...points.map(([, away]) => away)) ? "below" : "beyond";
  const found = { ranges, side: ranges.length ? "" : outside, first: points[0][0], last: points.at(-1)[0] };
  return { ...found, text: textOf(found) };
}

/** How far a value is from that for equal pictures; of decibels the error's amplitude. */
export function awayOf(value, { identical_at: identical, higher }) {
  const number = value === "inf" ? Infinity : value;
  if (identical === null) return 10 ** (-number / 20);
  return higher ? identical - number : number - identical;
}

function isNumber(value) {
  return value === "inf" || (typeof value === "number" && !Number.isNaN(value));
}

/** Where a line through points is at a level, from left to right. */
function crossingsOf(points, level) {
  const found = [];
  points.forEach(([here, left], i) => {
    if (left === level) found.push(here);
    if (i + 1 === points.length) return;
    const [there, right] = points[i + 1];
    if (Math.min(left, right) < level && level < Math.max(left, right)) {
      found.push(here + ((level - left) / (right - left)) * (there - here));
    }
  });
  return found;
}

function rangesOf(crossings) {
  const ranges = [];
  for (const at of crossings) {
    if (ranges.length && at - ranges.at(-1)[1] < NEIGHBOURS_PX) ranges.at(-1)[1] = at;
    else ranges.push([at, at]);
  }
  return ranges;
}

function textOf({ ranges, side, first, last }) {
  if (side === "beyond") return `over ${last} px`;
  const least = Math.max(first, LEAST_SAID);
  const words = (ranges.length ? ranges : [[0, 0]]).map(([low, high]) => rangeText(low, high, least));
  const others = [...new Set(words)];
  const final = others.pop();
  return others.length ? `${others.join(", ")} or ${final} px` : `${final} px`;
}

function rangeText(low, high, least) {
  if (low < least) return `below ${wholePx(Math.max(least, high))}`;
  return [...new Set([wholePx(low), wholePx(high)])].join("–");
}

/** A number of px in whole ones, halves to the even, as Python writes it. */
export function wholePx(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  return String(rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1);
}

/** The smallest and the largest blur of an equivalent; of one beyond the curve more than its last. */
export function endsOf({ ranges, side, last }) {
  const outside = side === "beyond" ? last + 1 : 0;
  return ranges.length ? [ranges[0][0], ranges.at(-1)[1]] : [outside, outside];
}

/** An equivalent as one number: of several the nearest to the real blur. */
export function nearestTo(found, degree) {
  const inside = found.ranges.map(([low, high]) => Math.min(Math.max(degree, low), high));
  if (!inside.length) return endsOf(found)[0];
  return inside.reduce((best, one) => (Math.abs(one - degree) < Math.abs(best - degree) ? one : best));
}

/** Whether it is shown as too small to be told. */
export function isBelow(found) {
  return endsOf(found)[1] < LEAST_SAID;
}

/** What every measure takes a picture for that is not moved: its own blur, by definition. */
export function ownBlur({ degree }) {
  return { text: `${degree} px`, ranges: [[degree, degree]], side: "" };
}

/**
 * What each tile's measure takes a picture for.
 * @param {object} view where the sliders are
 * @param {Array} values of every tile
 * @param {object|null} curve {degrees, values} at this very angle
 * @returns {Array} an equivalent for each tile, null where there is none; empty where none is known
 */
export function equivalentsOf(view, values, curve) {
  if (!(view.shift_x || view.shift_y)) return values.map((value) => (isNumber(value) ? ownBlur(view) : null));
  if (!curve || curve.degrees.length < ROWS.points_of_a_curve) return [];
  return ROWS.tiles.map((tile, i) => equivalentOf(values[i], curve.degrees.map((degree, at) => [degree, curve.values[at][i]]), tile));
}
