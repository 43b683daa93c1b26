// @module curve_csv: this face's curve as a CSV file, made in the browser from what is drawn.

import { usedAngle } from "../pictures/kernels.js";
import { ROWS } from "../rows.js";

export const LANE_LAST_DEGREE = ROWS.degrees[1];

/** What the button says and why: how much of the curve there is, until all of it has come from whoever measures it. */
export function curveProgress(curve) {
  const known = curve?.degrees.length ?? 0;
  if (known < 2) return { text: "", title: "" };
  if (known > LANE_LAST_DEGREE) return { text: "CSV", title: "Saves this curve as a CSV file" };
  return { text: `CSV, ${known} of ${LANE_LAST_DEGREE + 1}`, title: "The curve is still being computed; saves what is known of it" };
}

/** `blurdash_curve_study_a45.csv`: says what was done and nothing about whose face it is. */
export function curveName(curve, { kernel }) {
  return `blurdash_curve_${kernel}_a${curve.angle}.csv`;
}

/**
 * Returns the file's text: what each number holds for stands beside it, in every row.
 * @param {object} curve as Python's curve_data
 * @param {object} data as Python's controls_data
 */
export function curveCsv(curve, { kernel, recogniser, eye_distance: eyes }) {
  const { label, protocol, crop } = recogniser;
  const head = ["degree", "angle", "degree_percent_of_eye_distance", ...ROWS.tiles.map(({ measure }) => measure),
    "kernel", "recogniser", "protocol", "crop"];
  const rows = curve.degrees.map((degree, i) => [
    degree,
    usedAngle(kernel, degree, curve.angle),
    ((100 * degree) / eyes).toFixed(2),
    ...curve.values[i].map((value) => (value === "none" ? "" : value)),
    kernel, label, protocol, crop,
  ]);
  return [head, ...rows].map((row) => row.join(",")).join("\r\n") + "\r\n";
}
