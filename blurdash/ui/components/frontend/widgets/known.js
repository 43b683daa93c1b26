// @module known: what is known of where the sliders are, and by whom: by the server, by the core in this
// browser, or from the face's curve. `state` is that of the controls: bus, data and view.

import { usedAngle } from "../pictures/kernels.js";
import { hasKernel } from "../pictures/taps.js";
import { ROWS } from "../rows.js";
import { compareWithServer, readerNow } from "../wasm/reader.js";
import { equivalentsOf } from "./equivalents.js";
import { exploreSentence } from "./explore_sentence.js";
import { asSent } from "./texts.js";

/** Whether the server's numbers are of the face and settings that are shown. */
export function isOurs({ bus, data }) {
  return (bus.scene ?? data.key) === data.key;
}

/** Whether a position as Python sends it is a view. */
export function sameView(pos, view) {
  return pos[0] === view.degree && pos[1] === view.angle && pos[2] === view.shift_x && pos[3] === view.shift_y;
}

/** What the readouts are: exact and of here, of the pixels alone, read off the curve, or of elsewhere. */
export function stateOf({ data }, tiles, fresh, standIn) {
  if (fresh) return data.ready ? "exact" : "pixels";
  if (tiles.every(({ value, at, estimate }) => value !== undefined && !at && !estimate)) return "exact";
  return standIn ? "curve" : "pending";
}

/**
 * What is known of one measure: by the server, by the core in this browser, or from the curve.
 * @returns {{value: number|string|undefined, at: number[]|undefined, estimate: boolean|undefined, own:
 *   boolean|undefined}} `at`: of which other position it is; `estimate`: read off the curve; `own`: found
 *   in this browser, where the hand was a moment ago
 */
export function tileOf(state, { measure }, i, { fresh, standIn }) {
  const { data } = state;
  const here = coreNumbers(state);
  const mine = here?.values[measure];
  if (fresh && data.values[i] === "none") return withoutRecogniser(state, i);
  if (fresh) return { value: data.values[i] };
  if (mine !== undefined && sameView(positionOf(here.view), state.view)) return { value: asSent(mine) };
  if (standIn) return { value: standIn[i], estimate: true };
  if (mine !== undefined) return { value: asSent(mine), at: positionOf(here.view), own: true };
  return isOurs(state) && data.values ? { value: data.values[i], at: data.pos } : {};
}

/** What stands for a number of the embedding that could not be computed: the curve while one is awaited. */
function withoutRecogniser(state, i) {
  const stays = state.data.ready ? null : curveValues(state)?.[i];
  return typeof stays === "number" ? { value: stays, estimate: true } : { value: "none" };
}

/** The last numbers of the core in this browser, where they are of the face and settings that are shown. */
function coreNumbers({ bus, data }) {
  const { numbers, face, scene } = bus;
  const ours = numbers && numbers.face === face && numbers.view.kernel === data.kernel;
  return ours && (numbers.key === null || numbers.key === (scene ?? data.key)) ? numbers : null;
}

/** Where the hand was when the numbers that are shown were found here; null where the hand is there. */
export function lagOf(state) {
  const here = readsHere(state) && coreNumbers(state);
  return here && !sameView(positionOf(here.view), state.view) ? here.view : null;
}

/** Holds what was found here against what the server says of the same place. */
export function compareNumbers(state) {
  const { data } = state;
  const mine = coreNumbers(state);
  if (!mine || !data.values || !isOurs(state) || !sameView(data.pos, mine.view)) return;
  compareWithServer(mine.values, Object.fromEntries(ROWS.tiles.map(({ measure }, i) => [measure, data.values[i]])));
}

/** Whether this browser finds every number itself. */
export function readsHere(state) {
  const { data, view } = state;
  const values = readerNow() && coreNumbers(state)?.values;
  const known = hasKernel({ kernel: data.kernel, degree: view.degree, used_angle: usedAngle(data.kernel, view.degree, view.angle) });
  return Boolean(values) && known && ROWS.tiles.every(({ measure }) => measure in values);
}

function positionOf({ degree, angle, shift_x, shift_y }) {
  return [degree, angle, shift_x, shift_y];
}

/** The numbers of this face's own curve at this degree, where the curve is for this very angle. */
export function curveValues(state) {
  const { bus, view, data } = state;
  const curve = bus.curve;
  if (!curve || curve.key !== (bus.scene ?? data.key) || curve.angle !== view.angle || view.shift_x || view.shift_y) return null;
  const here = curve.at.get(view.degree);
  return here === undefined ? null : curve.values[here];
}

/** What brought blur equivalents and the sentence: the numbers, or the curve where that was known later. */
export function saidWithNumbers({ data, view, bus: { curve } }) {
  const later = curve?.key === data.key && curve.angle === view.angle && curve.pos && sameView(curve.pos, view);
  return later && !data.equivalents.length ? curve : data;
}

/** The same from numbers that were found here. */
export function ownSaid({ data, view, bus: { curve } }, tiles) {
  const values = tiles.map(({ value }) => value);
  const equivalents = equivalentsOf(view, values, curve?.key === data.key && curve.angle === view.angle ? curve : null);
  const readings = Object.fromEntries(ROWS.tiles.map(({ measure }, i) => [measure, equivalents[i]]));
  const moved = view.shift_x || view.shift_y;
  const { person } = data.recogniser;
  const sentence = exploreSentence({ view, readings: moved ? readings : {}, source: data.small_source,
    same: person?.published ? isSame(person, values) : null,
    drawn: usedAngle(data.kernel, view.degree, view.angle) !== view.angle });
  return { equivalents, sentence };
}

/** Whether a pair counts as one person by a limit: what lies on it does. */
export function isSame({ tile, limit }, values) {
  if (limit === null) return null;
  return ROWS.tiles[tile].higher ? values[tile] >= limit : values[tile] <= limit;
}
