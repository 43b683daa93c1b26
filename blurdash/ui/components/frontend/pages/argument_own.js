// @module argument own: what a scene says and shows of numbers that were found in this browser, in the form
// that the server sends (blurdash/ui/argument/scenes.py and panels.py; tests hold one against the other).

import { KERNELS, audit, usedAngle } from "../pictures/kernels.js";
import { kernelOf } from "../pictures/taps.js";
import { ROWS } from "../rows.js";
import {
  angleSentence,
  claimRows,
  embeddingSentence,
  failsBelow,
  measureCalled,
  pixelsSentence,
  preferencesSentence,
  shownRow,
  valueText,
  voteSentences,
} from "../widgets/argument_sentences.js";
import { equivalentOf } from "../widgets/equivalents.js";
import { fixed } from "../widgets/texts.js";

const NO_MAPS = "This file has maps of the errors for the place where its sliders start.";
const MAPS_WAITING = [{ title: "Squared error", note: "", pictures: [null, null] }];

/**
 * A scene with this browser's numbers in place of the server's.
 * @param {object} data the scene as the server sent it
 * @param {object} own
 * @param {object[]} own.values numbers of the left and the right picture, by measure
 * @param {object} own.sliders where the sliders are, by name
 * @param {object|null} own.curve the face's curve at this angle (own_curve.js); null while it is not known
 * @param {boolean} own.fresh whether the server's data is of here, too
 * @param {string} own.note what a search in this browser has found; empty for nothing
 * @param {string} own.alike the measure whose twins the pictures are; empty for none
 * @returns {{see: string, panels: object[]}}
 */
export function ownScene(data, own) {
  return OWN_SCENES[data.scene](data, own);
}

/** Whether a scene's numbers can be found here. */
export function isOwnScene(scene) {
  return Object.hasOwn(OWN_SCENES, scene);
}

const OWN_SCENES = {
  "two-pictures": (data, own) => {
    if (data.hidden) return data;
    const { rows, sharp, degree } = argued(data, own);
    const hung = data.swapped ? ["blurred", "sharp"] : ["sharp", "blurred"];
    const names = ["sharp", "blurred"].map((which) => `${"AB"[hung.indexOf(which)]}, the ${which} one`);
    const table = verdictOf(own.values, { names: ROWS.argument.vote, heads: data.pictures });
    return { see: preferencesSentence(rows, names), panels: data.panels.map((panel) => {
      if (panel.kind === "verdict") return table;
      return panel.about === "done" ? { ...panel, lines: voteSentences(rows, sharp, degree, hung) } : panel;
    }) };
  },

  pixels: (data, own) => {
    const { rows, sharp, degree } = argued(data, own);
    return { see: pixelsSentence(rows, sharp, degree), panels: arguedPanels(data, own) };
  },

  embedding: (data, own) => {
    const { rows, sharp, degree } = argued(data, own);
    const row = rows.find(({ measure }) => measure.measure === ROWS.embedding);
    const panels = arguedPanels(data, own).filter((panel) => panel.about !== "fails");
    const fails = panels.some((panel) => panel.about === "found") ? null : whereItFails(own, row);
    if (fails) panels.splice(1, 0, fails);
    return { see: embeddingSentence(row, sharp, degree), panels };
  },

  "take-home": (data, own) => {
    const { rows } = argued(data, own);
    return { see: preferencesSentence(rows, ["the sharp picture", "the blurred one"]), panels: arguedPanels(data, own) };
  },

  angle: (data, own) => {
    const { degree_a, angle_a, degree_b, angle_b } = own.sliders;
    const blurs = [[degree_a, angle_a], [degree_b, angle_b]];
    const audits = blurs.map(([degree, angle]) => audit(kernelOf({ kernel: data.kernel, degree, used_angle: usedAngle(data.kernel, degree, angle) })));
    const told = blurs.map(([degree, angle], i) => ({ degree, angle, length: fixed(audits[i].length, 1) }));
    const row = shownRow(measureCalled(ROWS.embedding), ...own.values.map((values) => values[ROWS.embedding]));
    const verdict = verdictOf(own.values, { heads: ["A", "B"] });
    const table = auditTable(data.kernel, audits);
    const rest = still(data.panels, own).filter(({ kind }) => kind !== "verdict" && kind !== "table");
    const found = own.note ? [foundPanel([own.note])] : [];
    return { see: angleSentence(row, told), panels: [verdict, table, ...rest, ...found] };
  },
};

/** The claim's rows, the sharp picture first, and what was done to both. */
function argued(data, { values: [sharp, blurred], sliders, alike }) {
  return { rows: claimRows(sharp, blurred, undefined, alike), sharp: sliders, degree: sliders.degree };
}

/** What a search has found, as the server's panel. */
function foundPanel(lines) {
  return { kind: "notes", about: "found", lines };
}

function arguedPanels(data, own) {
  const verdict = verdictOf(own.values, { heads: ["sharp", "blurred"], curve: own.curve ?? { degrees: [], values: [] }, alike: own.alike });
  const maps = data.alone ? { kind: "notes", small: true, lines: [NO_MAPS] } : { kind: "maps", keep: true, rows: MAPS_WAITING };
  const panels = still(data.panels, own).map((panel) => {
    if (panel.kind === "verdict") return verdict;
    return panel.kind === "maps" && !own.fresh ? maps : panel;
  });
  if (!own.note) return panels;
  const names = ROWS.argument.measures.map(({ measure }) => measure);
  const said = preferencesSentence(claimRows(...own.values, names, own.alike), ["the sharp one", "the blurred one"]);
  const found = foundPanel([own.note, said]);
  if (data.scene === "embedding") return [panels[0], found, ...panels.slice(1)];
  return [...panels.filter(({ small, lines }) => !small || lines.includes(NO_MAPS)), found];
}

/** Without what a search has found before, once the sliders have left it. */
function still(panels, { fresh, note }) {
  return panels.filter(({ about }) => (fresh && !note) || about !== "found");
}

/** The table of both pictures: every number, and which of them each measure prefers. */
function verdictOf([left, right], { names = ROWS.argument.measures.map(({ measure }) => measure), heads, curve = null, alike = "" }) {
  const measures = names.map(measureCalled).filter(({ measure }) => measure in left && measure in right);
  const rows = measures.map((measure) => {
    const pair = [left[measure.measure], right[measure.measure]];
    const isTwin = measure.measure === alike;
    const { side } = shownRow(measure, ...pair, isTwin);
    const cells = [measure.label, ...pair.map((value) => valueText(measure, value, true)), side === null ? (isTwin ? "alike" : "neither") : heads[side]];
    if (curve) cells.push(ownEquivalent(measure, pair[0], curve)?.text ?? "");
    return { cells, name: measure.short, family: measure.family, wins: side === null ? null : side + 1,
      test: `argue-${measure.measure}`, hint: `${measure.direction}. ${measure.source}` };
  });
  return { kind: "verdict", head: ["", ...heads, "prefers", ...(curve ? [`${heads[0]} is like a blur of`] : [])], rows };
}

/** The blur that a measure takes a value for; null where that is not said. */
function ownEquivalent({ measure }, value, curve) {
  const at = ROWS.tiles.findIndex((tile) => tile.measure === measure);
  if (!ROWS.argument.curve.includes(measure) || at < 0 || curve.degrees.length < ROWS.argument.degrees.length) return null;
  const points = curve.degrees.map((degree, i) => [degree, curve.values[i][at]]);
  return equivalentOf(value === Infinity ? "inf" : value, points, ROWS.tiles[at]);
}

function whereItFails({ values, curve }, row) {
  const found = row && curve && ownEquivalent(row.measure, values[0][ROWS.embedding], curve);
  return found ? { kind: "notes", about: "fails", title: "Where it fails", fails: true, lines: [failsBelow(found)] } : null;
}

/** The least blur that the embedding takes the sharp picture for, px; null where it takes it for none. */
export function failsFrom([sharp], curve) {
  const found = curve && ownEquivalent(measureCalled(ROWS.embedding), sharp[ROWS.embedding], curve);
  return found?.ranges[0]?.[0] ?? null;
}

/** What the kernels of two blurs really do. */
function auditTable(kernel, audits) {
  const lines = [
    ["Mass (1 keeps the light)", ({ mass }) => fixed(mass, 2)],
    ["True length", ({ length }) => `${fixed(length, 1)} px`],
    ["True direction", ({ direction }) => (Number.isNaN(direction) ? "none" : `${fixed(direction, 0)}°`)],
    ["Drift of the picture", ({ offset }) => `${fixed(offset, 2)} px`],
  ];
  return { kind: "table", title: `What the ${KERNELS[kernel].label} kernel really does`, head: ["", "A", "B"],
    rows: lines.map(([name, said]) => ({ cells: [name, ...audits.map(said)] })) };
}
