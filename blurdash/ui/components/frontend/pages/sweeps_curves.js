// @module sweeps curves: a measure over the degree: mean with its interval, single faces, different people, the
// threshold, and a cursor that a pointer or the arrow keys move.

import { Frame, shape } from "../widgets/frame.js";
import { setText, textElement } from "../widgets/texts.js";
import { SAME, nearest, readOff, rowOf, saidOf, ticksOf } from "./sweeps_numbers.js";

const X_TICKS = 6;

/** A panel with a head and a drawing that a cursor runs over. */
export class Graph {
  /**
   * @param {string} name of the graph, as one reads it to a person
   * @param {(at: number) => void} moved called with where the cursor is wanted
   */
  constructor(name, moved) {
    Object.assign(this, { name, moved, frame: null, step: 1 });
    this.box = textElement("section", "sw-panel", "");
    this.head = document.createElement("header");
    this.title = textElement("h2", "", name);
    this.note = textElement("span", "sw-note", "");
    this.value = textElement("span", "sw-value", "");
    this.head.append(this.title, this.note, this.value);
    this.svg = shape("svg", "");
    this.svg.setAttribute("tabindex", "0");
    this.svg.setAttribute("role", "slider");
    this.veil = textElement("p", "sw-veil", "");
    this.not = textElement("div", "sw-not", "");
    this.box.append(this.head, this.svg, this.veil, this.not);
    this.not.hidden = true;
    this.svg.onpointermove = this.svg.onpointerdown = (event) => {
      this.hover(event);
      if (this.frame) moved(this.frame.under(event.clientX));
    };
    this.svg.onkeydown = (event) => this.key(event);
  }

  /** What else a pointer does that is over it. */
  hover() {}

  key(event) {
    const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!way || !this.frame) return;
    event.preventDefault();
    event.stopPropagation();
    this.moved(this.next(way));
  }

  /** Where the cursor is wanted, a step up or down. */
  next(way) {
    return Math.min(this.frame.x[1], Math.max(this.frame.x[0], this.at + way * this.step));
  }

  /** Says that there is nothing to draw, and why; empty for a drawing. */
  veiled(words) {
    setText(this.veil, words);
    this.veil.hidden = !words;
    this.svg.toggleAttribute("hidden", Boolean(words));
    if (words) { this.svg.replaceChildren(); this.frame = null; setText(this.value, ""); setText(this.note, ""); }
    return Boolean(words);
  }

  /** What a screen reader says of the cursor. */
  speak(low, high, at, words) {
    this.at = at;
    for (const [name, value] of Object.entries({ "aria-label": this.name, "aria-valuemin": low, "aria-valuemax": high, "aria-valuenow": at, "aria-valuetext": words })) this.svg.setAttribute(name, value);
  }

  /** Writes what stands at the cursor: words, and what of them is strong. */
  tell(parts) {
    this.value.replaceChildren(...parts.map(([words, strong]) => textElement(strong ? "b" : "span", "", words)));
  }
}

const OPEN_WITHIN_PX = 9; // from the point that a pointer is on
const PRESS_WITHIN_PX = 4; // from where it went down

/** The id of a visitor's face; of other faces undefined. */
export function faceNamed({ open }, name) {
  return Object.hasOwn(open, name) ? open[name] : undefined;
}

/** One measure over the degree, of one way to choose the angle or of both. */
export class CurveGraph extends Graph {
  constructor(name, moved) {
    super(name, moved);
    this.over = null; // the face whose point a pointer is on
    this.pressed = null; // where a pointer went down, and what it is
    // A finger leaves when it is lifted: what it has shown stays.
    this.svg.onpointerleave = ({ pointerType }) => { if (pointerType === "mouse") this.leave(); };
    this.svg.onclick = (event) => this.press(event);
  }

  /**
   * @param {object} shown data (as board.py makes it), measure, kinds: keys of its curves, reach: of the axis,
   *   at, choices: each, mine, strangers; small: whether it is one of six; axis: what the degree counts
   */
  draw(shown) {
    this.shown = shown;
    this.over = this.tapped = null; // of what was drawn before
    const { data, measure, kinds, reach, small, axis } = shown;
    const there = kinds.filter((kind) => data.first.curves[kind]);
    if (this.veiled(there.length ? "" : shown.missing)) return;
    const xs = data.first.curves[there[0]].x;
    this.step = xs.length > 1 ? (xs.at(-1) - xs[0]) / (xs.length - 1) : 1;
    const [left, bottom] = small ? [44, 24] : [48, 34];
    const frame = (this.frame = new Frame(this.svg, { left, right: 10, top: 8, bottom }, [xs[0], xs.at(-1)], reach));
    const levels = measure === SAME ? countTicks(reach) : ticksOf(measure, reach, small ? 5 : 7);
    const family = measure === SAME ? "embedding" : rowOf(measure).family;
    this.svg.setAttribute("data-family", family);
    this.svg.replaceChildren(
      ...frame.levels(levels.ticks, levels.said),
      ...frame.places(placesOf(xs), (value) => `${value}`, small ? "" : axis),
      ...(measure === SAME ? this.counts(there, frame) : this.curves(there, frame)),
    );
    this.cursor = shape("g", "sw-cursor");
    this.svg.append(this.cursor);
    this.point(shown.at);
  }

  curves(kinds, frame) {
    const { data, measure, choices } = this.shown;
    const parts = [];
    const band = choices.strangers ? data.first.strangers?.of[measure] : null;
    if (band) parts.push(...strangersBand(frame, band, this.shown.small));
    for (const kind of kinds) {
      const { x, of } = data.first.curves[kind];
      if (choices.each && !this.shown.small) parts.push(...of[measure].faces.map((face) => frame.line(x, face, "sw-face")));
    }
    if (data.first.threshold?.measure === measure) parts.push(...thresholdLine(frame, data.first.threshold, this.shown.small));
    for (const kind of kinds) {
      const { x, of } = data.first.curves[kind];
      parts.push(frame.band(x, of[measure].low, of[measure].high, "sw-band"), frame.line(x, of[measure].mean, kindClass(kind, kinds)));
    }
    for (const kind of this.mineKinds(kinds)) parts.push(...this.mine(kind, frame));
    if (this.shown.legend) parts.push(...legendOf(frame, kinds, this.shown));
    return parts;
  }

  /** Of which kinds the visitor's own face is drawn: at random angles it would hide the rest of a small graph. */
  mineKinds(kinds) {
    if (!this.shown.choices.mine) return [];
    return this.shown.small && kinds.includes("fixed") ? ["fixed"] : kinds;
  }

  /** Says why the visitor's own face is not drawn, and offers to have it measured. */
  tellWithout(note, offer, measure) {
    this.not.hidden = !note;
    if (!note || this.not.dataset.says === note + offer) return;
    this.not.dataset.says = note + offer;
    const [first, ...rest] = note.split(". ");
    this.not.replaceChildren(textElement("b", "", `${first}.`), ` ${rest.join(". ")}`);
    if (!offer) return;
    const act = textElement("button", "bd-btn", offer);
    Object.assign(act, { type: "button", onclick: measure });
    this.not.append(document.createElement("br"), act);
  }

  mine(kind, frame) {
    const { data, measure, small } = this.shown;
    const own = data.mine?.curves[kind];
    if (!own || this.shown.axisName !== "px") return [];
    const ys = own.of[measure];
    const parts = [frame.line(own.x, ys, "sw-mine")];
    const last = ys.findLastIndex((value) => typeof value === "number");
    if (small || last < 0) return parts;
    const below = rowOf(measure).higher;
    const near = ys.slice(Math.floor(0.75 * ys.length)).filter((value) => typeof value === "number").map((value) => frame.up(value));
    const y = below ? Math.min(frame.foot - 4, Math.max(...near) + 14 * frame.unit) : Math.max(frame.top + frame.font, Math.min(...near) - 6 * frame.unit);
    return [...parts, frame.text(frame.right - 4 * frame.unit, y, data.mine.label, "end", "sw-strong")];
  }

  /** How many faces pass, over the degree. */
  counts(kinds, frame) {
    const { data } = this.shown;
    const drawn = kinds.filter((kind) => data.first.curves[kind].same);
    const { source, value, label, higher } = data.first.threshold; // of a distance that may have no graph
    return [
      ...drawn.map((kind) => frame.line(data.first.curves[kind].x, data.first.curves[kind].same.same, kindClass(kind, kinds))),
      frame.text(frame.left + 8 * frame.unit, frame.foot - 8 * frame.unit, `faces with ${label} ${higher ? "≥" : "≤"} ${value} (${source.split(",")[0]})`),
    ];
  }

  /** Sets the cursor, and reads off what stands there. */
  point(at) {
    if (!this.frame) return;
    this.shown.at = at;
    const { data, measure, kinds } = this.shown;
    const frame = this.frame;
    const there = kinds.filter((kind) => data.first.curves[kind]);
    const { x: xs } = data.first.curves[there[0]];
    const x = xs[nearest(xs, at)];
    const parts = [shape("path", "sw-needle", { d: `M${frame.across(x)} ${frame.top}V${frame.foot}` }), ...this.ring(x)];
    const told = measure === SAME ? this.tellCounts(there, x) : this.tellCurves(there, x);
    if (measure !== SAME && there.length === 1) {
      const { mean } = readOff(data.first.curves[there[0]], measure, x);
      if (typeof mean === "number") parts.push(shape("circle", "sw-dot", { cx: frame.across(x), cy: frame.up(mean), r: 4.5 * frame.unit }));
    }
    this.cursor.replaceChildren(...parts);
    this.tell(told);
    this.speak(frame.x[0], frame.x[1], x, told.map(([words]) => words).join(""));
  }

  /** A face whose point a pointer is on, of those that can be opened. */
  faceUnder({ clientX, clientY }) {
    const { data, measure, kinds, small, axisName, choices } = this.shown ?? {};
    if (!this.frame || small || measure === SAME || axisName !== "px") return null;
    const [kind] = kinds;
    const y = clientY - this.svg.getBoundingClientRect().top;
    const curve = data.first.curves[kind];
    const at = curve.x[nearest(curve.x, this.frame.under(clientX))];
    const lines = choices.each ? curve.of[measure].faces.map((ys, i) => ({ face: faceNamed(data, curve.names[i]), name: curve.names[i], xs: curve.x, ys })) : [];
    const own = choices.mine && data.mine?.curves[kind];
    if (own && data.opens) lines.push({ face: data.mine.face, name: data.mine.label, xs: own.x, ys: own.of[measure] });
    const near = lines.filter(({ face }) => face).map((line) => ({ ...line, kind, at, value: line.ys[line.xs.indexOf(at)] }))
      .filter(({ value }) => typeof value === "number").map((line) => ({ ...line, far: Math.abs(this.frame.up(line.value) - y) }))
      .sort((one, other) => one.far - other.far)[0];
    return near?.far <= OPEN_WITHIN_PX * this.frame.unit ? near : null;
  }

  /** The ring around it, and whose it is. */
  ring(x) {
    const { over, frame } = this;
    this.svg.toggleAttribute("data-opens", Boolean(over));
    if (over?.at !== x) return [];
    const [cx, cy] = [frame.across(x), frame.up(over.value)];
    const right = cx < (frame.left + frame.right) / 2;
    return [shape("circle", "sw-ring", { cx, cy, r: 6 * frame.unit }),
      frame.text(cx + (right ? 11 : -11) * frame.unit, cy + 0.36 * frame.font, `open ${over.name}`, right ? "start" : "end", "sw-strong")];
  }

  hover(event) {
    const { type, clientX, clientY, pointerType } = event;
    this.over = this.faceUnder(event);
    if (type === "pointerdown") this.pressed = { clientX, clientY, pointerType };
  }

  leave() {
    this.over = null;
    if (this.shown) this.point(this.shown.at);
  }

  /** A face is opened by a press on its point; by a finger, which hides it, at the second one there. */
  press({ clientX, clientY }) {
    const down = this.pressed;
    if (!down || Math.hypot(clientX - down.clientX, clientY - down.clientY) > PRESS_WITHIN_PX) return; // the cursor was dragged
    const found = this.faceUnder(down);
    const place = found && [found.face, found.at].join();
    const again = place !== null && this.tapped === place;
    this.tapped = place;
    if (found && (down.pointerType === "mouse" || again)) this.shown.open(found.face, found.at, found.kind);
  }

  tellCounts(kinds, x) {
    const found = kinds.map((kind) => this.shown.data.first.curves[kind]).filter(({ same }) => same).map(({ x: xs, same: { same, n } }) => {
      const i = nearest(xs, x);
      return { same: same[i] ?? "–", n: n[i] };
    });
    return [[`${this.shown.place(x)} `, false], [found.map(({ same }) => same).join(" | "), true], [` of ${Math.max(...found.map(({ n }) => n))}`, false]];
  }

  tellCurves(kinds, x) {
    const { data, measure, small } = this.shown;
    const reads = kinds.map((kind) => readOff(data.first.curves[kind], measure, x));
    const told = [[`${this.shown.place(x)} `, false], [reads.map(({ mean }) => saidOf(measure, mean)).join(" | "), true]];
    if (small || kinds.length > 1) return told;
    const [{ half, n, identical, i }] = reads;
    if (half !== null) told.push([` ± ${saidOf(measure, half)}`, false]);
    told.push([`, n = ${n}`, false]);
    if (identical && identical < n) told.push([` (${identical} identical, left out)`, false]);
    const same = data.first.curves[kinds[0]].same;
    if (same && data.first.threshold.measure === measure) told.push([`, ${same.same[i]} pass`, false]);
    return told;
  }
}

function kindClass(kind, kinds) {
  return kind === "random" && kinds.length > 1 ? "sw-mean sw-second" : "sw-mean";
}

/** Ticks of a count. */
function countTicks([low, high]) {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000].find((one) => (high - low) / one <= 4) ?? high - low;
  const ticks = Array.from({ length: Math.floor(high / step) + 1 }, (_, i) => i * step);
  return { ticks, said: (value) => `${value}` };
}

/** Round places along a foot. */
export function placesOf(xs) {
  const last = xs.at(-1);
  const step = [1, 2, 4, 5, 8, 10, 20, 25, 50].find((one) => last / one < X_TICKS) ?? last;
  return Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step);
}

function strangersBand(frame, [low, median, high], small) {
  const words = small ? "different people" : "different people: median, middle 95 %";
  const y = small ? frame.up(median) + 0.36 * frame.font : frame.up(median) - 5 * frame.unit;
  return [
    frame.zone(low, high, "sw-zone"),
    ...(small ? [] : [frame.level(median, "sw-median")]),
    frame.text(frame.left + 8 * frame.unit, y, words),
  ];
}

function thresholdLine(frame, { value, source, higher }, small) {
  const words = small ? `${value}` : `same person ${higher ? "above" : "below"} ${value} (${source.split(",")[0]})`;
  const y = frame.up(value) + (higher ? -5 : 14) * frame.unit;
  return [frame.level(value, "sw-threshold"), frame.text(frame.left + 8 * frame.unit, y, words, "start", "sw-ink")];
}

/** What a line is, where two kinds share a graph. */
function legendOf(frame, kinds, { data, choices, names }) {
  const lines = [...kinds.map((kind) => [names[kind], kindClass(kind, kinds)])];
  if (choices.mine && data.mine?.curves.fixed) lines.push([`${data.mine.label}, ${names.fixed}`, "sw-mine"]);
  return lines.flatMap(([words, className], i) => {
    const y = frame.foot - (lines.length - i) * 16 * frame.unit;
    const x = frame.left + 8 * frame.unit;
    return [shape("path", className, { d: `M${x} ${y}h${22 * frame.unit}` }), frame.text(x + 30 * frame.unit, y + 4 * frame.unit, words, "start", "sw-ink")];
  });
}
