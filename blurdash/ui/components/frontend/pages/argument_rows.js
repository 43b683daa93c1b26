// @module argument rows: what stands beneath the two pictures: the room, PSNR, SSIM, the embedding, each when its
// press has come; and beside them what else is measured.

import { ROWS } from "../rows.js";

const PIXEL_CLAIMS = ROWS.claim.filter(({ measure }) => measure !== ROWS.embedding).map(({ measure }) => measure);
const EVERY_CLAIM = [...PIXEL_CLAIMS, ROWS.embedding];
// By scene which measures each press has brought.
const COMES = {
  "two-pictures": [[], []],
  pixels: PIXEL_CLAIMS.map((_, i) => PIXEL_CLAIMS.slice(0, i + 1)),
  embedding: [EVERY_CLAIM, EVERY_CLAIM, EVERY_CLAIM],
  angle: [PIXEL_CLAIMS, EVERY_CLAIM],
  sceptic: Array.from({ length: 4 }, () => EVERY_CLAIM), // each press another way to measure them
  "take-home": [EVERY_CLAIM],
};

/** Which measures are shown; null where the scene has no rows. */
export function shownMeasures(scene, step) {
  const steps = COMES[scene];
  return steps ? steps[Math.min(step, steps.length - 1)] : null;
}

/**
 * The rows beneath the pictures as they hang.
 * @param {object} panel the server's table, or this browser's: the sharp picture first
 * @param {object} page `scene`, `step`, `swapped` and the room's `vote` (`roomNow`)
 */
export function hungVerdict(panel, { scene, step, swapped, room }) {
  const shown = shownMeasures(scene, step);
  if (!panel) return null;
  const rows = shown.map((name) => rowOf(panel, name)).filter(Boolean).map((row) => hungRow(row, swapped));
  const heads = swapped ? [panel.head[2], panel.head[1]] : panel.head.slice(1, 3);
  // Rows that have not come keep their place: nothing moves when they do.
  const places = 1 + Math.max(...COMES[scene].map((names) => names.length));
  return { ...panel, head: ["", ...heads], rows: [...(room ? [roomRow(room, heads)] : []), ...rows], places };
}

function rowOf({ rows }, name) {
  return rows.find(({ test }) => test === `argue-${name}`);
}

/** A row with its numbers under their pictures. */
function hungRow(row, swapped) {
  const [label, sharp, blurred, prefers] = row.cells;
  const like = row.cells[4] ?? "";
  if (!swapped) return { ...row, cells: [label, sharp, blurred, prefers], likes: [like, ""] };
  return { ...row, cells: [label, blurred, sharp, prefers], wins: row.wins === null ? null : 3 - row.wins, likes: ["", like] };
}

/** What the room says of the pair on screen. */
export function roomNow({ vote, scene, revealed }, sliders) {
  if (!vote || !revealed) return null;
  const { counts, total, on } = vote;
  if (scene === "angle") return { counts: [0, 0], total: 0, asked: false, says: "not asked about this pair" };
  const same = !on || Object.entries(on).every(([name, value]) => sliders[name] === value);
  if (total && !same) return { counts: [0, 0], total: 0, asked: false, says: "voted on another pair" };
  return { counts, total, asked: true, says: total ? "" : "nobody voted" };
}

function roomRow({ counts: [left, right], total, says }, heads) {
  const side = left === right ? null : Number(right > left);
  const prefers = says || (side === null ? "split" : heads[side]);
  return { cells: ["The room", says ? "" : String(left), says ? "" : String(right), prefers], name: "The room", family: "room",
    wins: side === null ? null : side + 1, total, test: "argue-room", hint: "Votes given here, by phone and by hands", silent: Boolean(says) };
}

/** What else is measured of the pair, as a table; null where there is nothing. */
export function otherMeasures(panel, { scene, step, swapped }) {
  if (scene === "pixels" && step === 0) return null;
  const claimed = new Set(EVERY_CLAIM.map((name) => `argue-${name}`));
  const rows = panel.rows.filter(({ test, family }) => !claimed.has(test) && (scene !== "pixels" || family !== "embedding"));
  if (!rows.length || scene === "two-pictures" || scene === "take-home" || scene === "angle") return null;
  return { kind: "table", title: "What else is measured", head: ["", "A", "B"],
    rows: rows.map((row) => { const { cells, hint, test } = hungRow(row, swapped); return { cells: cells.slice(0, 3), hint, test }; }) };
}
