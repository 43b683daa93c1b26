// @module sweeps beside: two recognisers side by side. On one axis they stand only in standard deviations of
// strangers, each recogniser its own; in its own value each graph has an axis of its own.

import { Frame, roundTicks, shape } from "../widgets/frame.js";
import { setText, shown, textElement } from "../widgets/texts.js";
import { Graph, placesOf } from "./sweeps_curves.js";
import { closerThanStrangers, firstAmongStrangers, drawnOf, nearest, reachOver, readOff, roundReach, rowOf, saidOf, sigmaOf, ticksOf } from "./sweeps_numbers.js";

const FURTHEST_BLUR = 110; // where what is over the ruler's end is drawn

/** One recogniser's curve, in standard deviations of strangers or in its own value. */
export class SigmaGraph extends Graph {
  /**
   * @param {object} wanted swept (as board.py makes it), measure, kind, own: whether in its own value, reach of
   *   both in standard deviations, at, each, place, axis; second: whether its line is dashed
   */
  draw(wanted) {
    this.shown = wanted;
    const { swept, measure, kind, own, each, axis, second } = wanted;
    const curves = swept?.curves[kind];
    if (swept) setText(this.title, swept.label);
    const sigma = swept && sigmaOf(swept, measure);
    const without = curves && !own && !sigma ? "Strangers measured by this recogniser are needed for σ: at least 20 faces. In its own value it can be drawn." : "";
    if (this.veiled(curves?.of[measure] ? without : wanted.missing)) return;
    const of = own ? (value) => value : sigma.of;
    const reach = own ? reachOver(measure, [...drawnOf(curves, measure), swept.strangers?.of[measure] ?? []]) : wanted.reach;
    const { x } = curves;
    this.step = x.length > 1 ? (x.at(-1) - x[0]) / (x.length - 1) : 1;
    const frame = (this.frame = new Frame(this.svg, { left: 48, right: 10, top: 10, bottom: 34 }, [x[0], x.at(-1)], reach));
    const levels = own ? ticksOf(measure, reach, 7) : inSigmas(reach);
    const map = (values) => values.map((value) => (typeof value === "number" ? of(value) : null));
    const curve = curves.of[measure];
    this.svg.setAttribute("data-family", rowOf(measure).family);
    this.svg.replaceChildren(
      ...frame.levels(levels.ticks, levels.said),
      ...frame.places(placesOf(x), (value) => `${value}`, axis),
      ...strangersHere(frame, swept, measure, own, sigma),
      ...(each ? curve.faces.map((face) => frame.line(x, map(face), "sw-face")) : []),
      frame.band(x, map(curve.low), map(curve.high), "sw-band"),
      frame.line(x, map(curve.mean), second ? "sw-mean sw-dashed" : "sw-mean"),
    );
    this.cursor = shape("g", "sw-cursor");
    this.svg.append(this.cursor);
    setText(this.note, `${rowOf(measure).label}, ${wanted.kindName}`);
    this.of = of;
    this.point(wanted.at);
  }

  point(at) {
    if (!this.frame) return;
    const { swept, measure, kind, own, place } = this.shown;
    const { mean, half, n, x } = readOff(swept.curves[kind], measure, at);
    const frame = this.frame;
    const parts = [shape("path", "sw-needle", { d: `M${frame.across(x)} ${frame.top}V${frame.foot}` })];
    if (typeof mean === "number") parts.push(shape("circle", "sw-dot", { cx: frame.across(x), cy: frame.up(this.of(mean)), r: 4.5 * frame.unit }));
    this.cursor.replaceChildren(...parts);
    const sigma = sigmaOf(swept, measure);
    const said = own ? saidOf(measure, mean) : `${shown(this.of(mean).toFixed(1))} σ`;
    const spread = half === null ? "" : ` ± ${own ? saidOf(measure, half) : Math.abs(sigma.of(mean + half) - sigma.of(mean)).toFixed(1)}`;
    const told = [[`${place(x)} `, false], [said, true], [`${spread}, n = ${n}`, false]];
    this.tell(told);
    this.speak(frame.x[0], frame.x[1], x, told.map(([words]) => words).join(""));
  }
}

/** What both recognisers' graphs reach in standard deviations; null where neither can be told in them. */
export function sigmaReach(sides, measure, kind) {
  const all = [];
  for (const swept of sides) {
    const sigma = swept && sigmaOf(swept, measure);
    const curve = sigma && swept.curves[kind]?.of[measure];
    if (!curve) continue;
    all.push(sigma.identical, sigma.far);
    for (const face of curve.faces) for (const value of face) if (typeof value === "number") all.push(sigma.of(value));
  }
  return all.length ? roundReach(Math.min(...all) - 0.3, Math.max(...all) + 0.4) : null;
}

function inSigmas(reach) {
  const { ticks, digits } = roundTicks(...reach, 7);
  return { ticks, said: (value) => `${shown(value.toFixed(digits))} σ` };
}

function strangersHere(frame, swept, measure, own, sigma) {
  const band = swept.strangers?.of[measure];
  if (!band) return [];
  const [low, median, high] = own ? band : [sigma.far, 0, sigma.near];
  const parts = [frame.zone(low, high, "sw-zone"), frame.level(median, "sw-median"),
    frame.text(frame.left + 8 * frame.unit, frame.up(median) + 14 * frame.unit, "different people: median, middle 95 %")];
  if (own || sigma.identical === null) return parts;
  return [...parts, frame.level(sigma.identical, "sw-identical"),
    frame.text(frame.right - 4 * frame.unit, frame.up(sigma.identical) - 5 * frame.unit, `identical, ${sigma.identical.toFixed(1)} σ from strangers`, "end", "sw-ink")];
}

/** As what blur a shift reads, for half of the faces: both recognisers, and the pixels. */
export class ShiftGraph extends Graph {
  /** @param {object} wanted sides: what was swept, first and second; measure; at: the shift */
  draw(wanted) {
    this.shown = wanted;
    const first = wanted.sides[0]?.shift;
    if (this.veiled(first ? "" : "Of these faces no shifts were counted: that belongs to a reference.")) return;
    const frame = (this.frame = new Frame(this.svg, { left: 48, right: 118, top: 10, bottom: 34 }, [0, first.shifts.at(-1)], [0, FURTHEST_BLUR]));
    const end = first.degrees.at(-1);
    this.svg.replaceChildren(
      frame.zone(end, FURTHEST_BLUR, "sw-zone"),
      ...frame.levels([0, 25, 50, 75, 100].filter((one) => one <= end), (value) => `${value} px`),
      ...frame.places(first.shifts, (value) => `${value}`, `shift, px of the canvas, no blur: half of ${first.faces} faces`),
      frame.text(frame.left + 6 * frame.unit, frame.up(end) - 3 * frame.unit, `over ${end}`),
      ...this.lines().flatMap((line) => this.line(frame, first, line)),
    );
    this.cursor = shape("g", "sw-cursor");
    this.svg.append(this.cursor);
    this.point(wanted.at);
  }

  /** What is drawn: the pixels of the first, and each recogniser's distance. */
  lines() {
    const [first, second] = this.shown.sides;
    const { measure } = this.shown;
    const lines = [["psnr", first, rowOf("psnr").label, ""], ["ssim", first, rowOf("ssim").label, "sw-dotted"], [measure, first, shortName(first.label), ""]];
    if (second?.shift) lines.push([measure, second, shortName(second.label), "sw-dashed"]);
    const known = lines.filter(([name, side]) => side.shift.of[name]).map(([name, side, words, className]) => ({ name, values: side.shift.of[name], words, className, family: rowOf(name).family }));
    return known;
  }

  line(frame, first, { values, words, className, family }) {
    const ys = values.map((value) => (value === null ? (FURTHEST_BLUR + first.degrees.at(-1)) / 2 : value));
    const line = frame.line(first.shifts, ys, `sw-mean ${family === "pixels" ? "sw-of-pixels" : "sw-of-embedding"} ${className}`);
    const label = frame.text(frame.right + 8 * frame.unit, this.free(frame.up(ys.at(-1)) + 0.36 * frame.font, frame), words, "start", `sw-strong ${family === "pixels" ? "sw-of-pixels" : "sw-of-embedding"}`);
    const dots = first.shifts.map((x, i) => shape("circle", `sw-dot ${family === "pixels" ? "sw-of-pixels" : "sw-of-embedding"}`, { cx: frame.across(x), cy: frame.up(ys[i]), r: 2.6 * frame.unit }));
    return [line, ...dots, label];
  }

  /** A place for a name that no other name has. */
  free(y, frame) {
    if (this.taken?.frame !== frame) this.taken = { frame, ys: [] };
    let at = y;
    while (this.taken.ys.some((other) => Math.abs(other - at) < 1.15 * frame.font)) at += 1.15 * frame.font;
    this.taken.ys.push(at);
    return at;
  }

  point(at) {
    if (!this.frame) return;
    const { shifts, degrees } = this.shown.sides[0].shift;
    const i = nearest(shifts, at);
    const x = this.frame.across(shifts[i]);
    this.cursor.replaceChildren(shape("path", "sw-needle", { d: `M${x} ${this.frame.top}V${this.frame.foot}` }));
    const lines = this.lines().map(({ name, values, words }) => ({ name, words, blur: values[i] === null ? `over ${degrees.at(-1)}` : Math.round(values[i]) }));
    const said = lines.map(({ words, blur }) => `${words} ${blur}`);
    const brief = lines.filter(({ name }) => name !== "ssim").map(({ words, blur }) => `${words.split(" ")[0]} ${blur}`); // as there is room
    this.tell([[`at ${shifts[i]} px `, false], [brief.join(", "), true], [" px", false]]);
    this.speak(shifts[0], shifts.at(-1), shifts[i], `${shifts[i]} px of shift: ${said.join(", ")} px`);
  }

  next(way) {
    const { shifts } = this.shown.sides[0].shift;
    return shifts[Math.min(shifts.length - 1, Math.max(0, nearest(shifts, this.at) + way))];
  }
}

/** A recogniser's label without what stands in brackets. */
export function shortName(label) {
  return label.split(/[,(]/)[0].trim();
}

/** Both recognisers at the cursor, in a table. */
export class BesideTable {
  constructor() {
    this.box = textElement("section", "sw-panel", "");
    this.title = textElement("h2", "", "");
    this.table = document.createElement("table");
    const head = document.createElement("header");
    head.append(this.title);
    this.box.append(head, this.table);
  }

  draw({ sides, measure, kind, at, place, names }) {
    setText(this.title, place(sides[0]?.curves[kind] ? sides[0].curves[kind].x[nearest(sides[0].curves[kind].x, at)] : at).replace(/^a/, "A"));
    const columns = sides.map((swept) => this.column(swept, measure, kind, at));
    const { label } = rowOf(measure);
    const rows = [[`${label}, mean`, "mean"], ["from strangers", "sigma"], ["above 95 % of strangers", "closer"], ["first face among strangers at", "first"], ["same by its published threshold", "same"], ["identical, from strangers", "identical"]];
    const head = document.createElement("tr");
    head.append(document.createElement("td"), ...names.map((name) => Object.assign(textElement("th", "", name), { scope: "col" })));
    this.table.replaceChildren(head, ...rows.map(([words, name]) => {
      const line = document.createElement("tr");
      line.append(Object.assign(textElement("th", "", words), { scope: "row" }), ...columns.map((column) => textElement("td", "", column[name] ?? "–")));
      return line;
    }));
  }

  column(swept, measure, kind, at) {
    const curves = swept?.curves[kind];
    if (!curves?.of[measure]) return {};
    const sigma = sigmaOf(swept, measure);
    const { mean, i } = readOff(curves, measure, at);
    const column = { mean: saidOf(measure, mean), same: curves.same ? `${curves.same.same[i] ?? "–"} of ${curves.same.n[i]}` : "none" };
    if (!sigma) return column;
    const { closer, n } = closerThanStrangers(curves, measure, i, sigma);
    const first = firstAmongStrangers(curves, measure, sigma);
    return { ...column,
      sigma: typeof mean === "number" ? `${shown(sigma.of(mean).toFixed(1))} σ` : "–",
      closer: `${closer} of ${n}`,
      first: first === null ? `over ${curves.x.at(-1)} px` : `${first} px`,
      identical: `${sigma.identical.toFixed(1)} σ` };
  }
}
