// @module sweeps: the Sweeps page's graphs.
//
// Draws what the server hands over (blurdash/ui/sweeps/board.py): numbers of curves, never a picture. Which
// measure, where the cursor is and what is shown of it is kept here and in the address.

import { STYLES } from "../styles.js";
import { ROWS } from "../rows.js";
import { keepAddress } from "../widgets/address.js";
import { copyFrom, sayFor } from "../widgets/clipboard.js";
import { button, setText, textElement } from "../widgets/texts.js";
import { AngleMap, AngleProfile, degreeUnder } from "./sweeps_angles.js";
import { BesideTable, ShiftGraph, SigmaGraph, shortName, sigmaReach } from "./sweeps_beside.js";
import { CurveGraph, faceNamed } from "./sweeps_curves.js";
import { SAME, reachOf, rowOf } from "./sweeps_numbers.js";
import { savePicture } from "./sweeps_picture.js";

const KINDS = ["random", "fixed"];
const ALL = "all";
const ALL_CALLED = { 3: "All three", 4: "All four", 5: "All five", 6: "All six" };
const FIRST = { measure: "l2", at: 50, shift: 8, each: 1, mine: 1, strangers: 1, angles: "both", unit: "sigma", kind: "fixed" };
const NOT_MADE = "It could not be made";

/** Draws the graphs into a component's root and keeps them in step with the server. */
export function mountSweeps(component) {
  const root = component.parentElement;
  const board = (root.__blurdashSweeps ??= new Board(root.querySelector(".bd-sweeps-board")));
  board.take(component);
  return () => {
    if (root.__blurdashSweeps !== board) return;
    delete root.__blurdashSweeps;
    board.dispose();
  };
}

class Board {
  constructor(box) {
    this.box = box;
    this.state = { ...FIRST, ...stateIn(new URLSearchParams(location.search)) };
    this.number = Date.now();
    box.innerHTML = `<style>${STYLES.sweeps}</style>`;
    this.tools = textElement("div", "sw-tools", "");
    this.body = textElement("div", "sw-body", "");
    this.foot = textElement("footer", "sw-foot", "");
    box.append(this.tools, this.body, this.foot);
    const move = (at) => this.point(at);
    this.curves = Object.fromEntries(KINDS.map((kind) => [kind, new CurveGraph(kind, move)]));
    this.map = new AngleMap("Degree and angle", (place) => this.point(degreeUnder(this.data.first.map, place)));
    this.profile = new AngleProfile("Over the angle", () => {});
    this.small = new Map();
    this.sides = [new SigmaGraph("first", move), new SigmaGraph("second", move)];
    this.shifts = new ShiftGraph("A shift reads as a blur of", (at) => { this.state.shift = Math.round(at); this.shifts.point(at); this.keep(); });
    this.table = new BesideTable();
    this.watch = new ResizeObserver(() => this.paint());
    this.watch.observe(this.body);
  }

  take(component) {
    this.component = component;
    this.data = component.data;
    const there = this.measures();
    if (this.state.measure !== ALL && !there.includes(this.state.measure)) this.state.measure = there[0];
    const { x } = Object.values(this.data.first.curves)[0] ?? { x: [0, 100] };
    this.state.at = this.state.at > x.at(-1) ? x[Math.floor(x.length / 2)] : Math.max(x[0], this.state.at);
    this.build();
  }

  dispose() {
    this.watch.disconnect();
    delete document.body.dataset.sweeps;
  }

  /** Which measures there are numbers of, in the tables' order. */
  measures() {
    return ROWS.tiles.map(({ id }) => id).filter((id) => this.data.first.measures.includes(id));
  }

  tab() {
    if (this.data.beside) return "beside";
    return this.state.measure === ALL ? "all" : "one";
  }

  /** What is compared of two recognisers: distances alone. */
  distance() {
    const { measure } = this.state;
    return measure !== ALL && rowOf(measure).family === "embedding" ? measure : this.measures().find((id) => rowOf(id).family === "embedding");
  }

  /** The measure that the recogniser judges by, where it has a graph. */
  judged() {
    const { measure } = this.data.first.threshold;
    return this.measures().includes(measure) ? measure : this.distance();
  }

  set(change) {
    Object.assign(this.state, change);
    this.build();
  }

  act(name, about) {
    this.number += 1;
    this.component.setStateValue("act", [name, about, this.number]);
  }

  // --- building -------------------------------------------------------------------------------

  build() {
    const tab = this.tab();
    const held = this.box.getRootNode().activeElement?.dataset?.focus;
    this.box.dataset.tab = tab;
    document.body.dataset.sweeps = tab === "one" ? this.state.measure : tab;
    this.tools.replaceChildren(...this.buildTools(tab));
    this.body.replaceChildren(...this.panelsOf(tab));
    this.foot.replaceChildren(...this.buildFoot());
    if (held) this.box.querySelector(`[data-focus="${held}"]`)?.focus();
    this.paint();
    this.keep();
  }

  buildTools(tab) {
    const there = this.measures();
    const chosen = tab === "beside" ? this.distance() : this.state.measure;
    const wanted = tab === "beside" ? there.filter((id) => rowOf(id).family === "embedding") : [ALL, ...there];
    const tools = [segments("Measure", wanted.map((id) => [id, id === ALL ? ALL_CALLED[there.length] ?? "All" : rowOf(id).short]), chosen, (measure) => this.set({ measure }))];
    if (tab === "beside") {
      tools.push(segments("Unit of the vertical axis", [["sigma", "in σ of strangers"], ["own", "own value"]], this.state.unit, (unit) => this.set({ unit })));
      tools.push(segments("Angle", this.kinds().map((kind) => [kind, this.nameOf(kind)]), this.kindNow(), (kind) => this.set({ kind })));
      tools.push(this.switchOf("each", "each face", true));
      return tools;
    }
    tools.push(this.buildAxis());
    if (tab === "all" && this.kinds().length > 1) {
      tools.push(segments("Angle", [["both", "both"], ...this.kinds().map((kind) => [kind, this.nameOf(kind)])], this.state.angles, (angles) => this.set({ angles })));
    }
    const more = textElement("span", "sw-push", "");
    if (tab === "one") more.append(this.switchOf("each", "each face", true));
    more.append(this.switchOf("mine", this.data.mine?.label ?? "my face", Boolean(this.mineThere())));
    more.append(this.switchOf("strangers", "different people", Boolean(this.data.first.strangers)));
    tools.push(more);
    return tools;
  }

  buildAxis() {
    const label = textElement("label", "sw-axis", "x in ");
    const select = document.createElement("select");
    select.dataset.focus = "axis";
    select.setAttribute("aria-label", "Degree in");
    for (const [name, words] of Object.entries(this.data.axes)) select.append(new Option(words, name, false, name === this.data.axis));
    select.onchange = () => this.act("axis", select.value);
    label.append(select);
    return label;
  }

  switchOf(name, words, possible) {
    const label = textElement("label", "sw-switch", "");
    const input = Object.assign(document.createElement("input"), { type: "checkbox", checked: possible && Boolean(this.state[name]), disabled: !possible });
    input.dataset.focus = name;
    input.onchange = () => this.set({ [name]: Number(input.checked) });
    label.append(input, words);
    return label;
  }

  panelsOf(tab) {
    if (tab === "one") return [this.curves.random.box, this.curves.fixed.box, this.map.box, this.profile.box];
    if (tab === "beside") return [...this.sides.map(({ box }) => box), this.shifts.box, this.table.box];
    return this.smallOnes().map((measure) => this.smallOf(measure).box);
  }

  smallOnes() {
    const same = Object.values(this.data.first.curves).some((one) => one.same);
    return [...this.measures(), ...(same ? [SAME] : [])];
  }

  smallOf(measure) {
    if (!this.small.has(measure)) {
      const graph = new CurveGraph(measure === SAME ? "Same person" : rowOf(measure).label, (at) => this.point(at));
      const open = button(graph.name, "Opens it with the map over the angle", () => this.set({ measure: measure === SAME ? this.judged() : measure }));
      open.className = "sw-open";
      open.dataset.focus = `open-${measure}`;
      graph.title.replaceChildren(open);
      graph.title.dataset.family = measure === SAME ? "plain" : rowOf(measure).family;
      this.small.set(measure, graph);
    }
    return this.small.get(measure);
  }

  buildFoot() {
    const { first, second, beside, under } = this.data;
    const facts = textElement("span", "sw-facts", "");
    const labels = beside && second ? `${first.label} | ${second.label}` : first.label;
    for (const [name, value] of [["Recogniser", labels], ...Object.entries(under)]) facts.append(textElement("span", "", `${name} `), textElement("b", "", `${value} `));
    const link = textElement("button", "sw-link", "Copy link to this view");
    const save = textElement("button", "sw-link", "Save PNG");
    Object.assign(link, { type: "button", onclick: () => copyFrom(link, location.href, "Copy link to this view") });
    Object.assign(save, { type: "button", onclick: () => this.save(save) });
    const opens = textElement("span", "sw-opens", this.openSaid());
    return [facts, opens, save, link];
  }

  /** What a press on a point does, where there is one that does anything. */
  openSaid() {
    const { opens, mine, axis, first } = this.data;
    if (this.tab() !== "one" || axis !== "px") return "";
    const some = Object.values(first.curves).some(({ names }) => names.some((name) => faceNamed(this.data, name)));
    if (some && this.state.each) return "Press a point to open that face in Explore";
    return opens && this.state.mine && mine && Object.keys(mine.curves).length ? `Press a point of ${mine.label} to open it in Explore` : "";
  }

  async save(element) {
    const { first, second, beside, under } = this.data;
    const words = [beside && second ? `${first.label} | ${second.label}` : first.label, ...Object.entries(under).map(([name, value]) => `${name} ${value}`), this.data.faces, "blurdash"];
    try {
      await savePicture(this.panelsOf(this.tab()), words.join(" · "), `blurdash_sweep_${under.kernel}_${this.tab() === "one" ? this.state.measure : this.tab()}.png`);
    } catch {
      sayFor(element, NOT_MADE, "Save PNG");
    }
  }

  // --- drawing --------------------------------------------------------------------------------

  kinds() {
    return KINDS.filter((kind) => this.data.first.curves[kind]);
  }

  kindNow() {
    return this.kinds().includes(this.state.kind) ? this.state.kind : this.kinds()[0];
  }

  nameOf(kind) {
    if (kind === "random") return "random angle";
    const angle = this.data.first.curves.fixed?.angle;
    return typeof angle === "number" ? `fixed ${angle}°` : "fixed angle";
  }

  mineThere() {
    const { axis, mine } = this.data;
    return axis === "px" && mine && Object.keys({ ...mine.curves, ...mine.notes }).length;
  }

  place(x) {
    return this.data.axis === "px" ? `at ${x} px` : `at ${x.toFixed(1)} %`;
  }

  paint() {
    if (!this.data) return;
    ({ one: () => this.paintOne(), all: () => this.paintAll(), beside: () => this.paintBeside() })[this.tab()]();
  }

  shown(more) {
    const { data, state } = this;
    return { data, at: state.at, choices: { each: state.each, mine: state.mine, strangers: state.strangers }, axis: `degree, ${data.axes[data.axis]}`, axisName: data.axis, place: (x) => this.place(x), names: { random: this.nameOf("random"), fixed: this.nameOf("fixed") }, open: (...about) => this.act("open", about), ...more };
  }

  paintOne() {
    const { measure } = this.state;
    const reach = reachOf(this.data, measure);
    for (const kind of KINDS) {
      const graph = this.curves[kind];
      graph.name = capital(this.nameOf(kind));
      setText(graph.title, graph.name);
      const curves = this.data.first.curves[kind];
      graph.draw(this.shown({ measure, kinds: [kind], reach, missing: this.data.missing[kind] ?? "" }));
      const mine = this.state.mine && this.data.axis === "px" ? this.data.mine : null;
      graph.tellWithout(mine?.notes[kind] ?? "", mine?.offer ?? "", () => this.act("mine", null));
      setText(graph.note, curves ? `${curves.count} ${curves.count === 1 ? "face" : "faces, 95 % band"}` : "");
    }
    this.map.draw(this.shown({ map: this.data.first.map, measure, missing: this.data.missing.map ?? "" }));
    this.profile.draw(this.shown({ map: this.data.first.map, measure, missing: this.data.missing.map ?? "" }));
  }

  paintAll() {
    const kinds = this.kinds().filter((kind) => this.state.angles === "both" || this.state.angles === kind || this.kinds().length === 1);
    this.smallOnes().forEach((measure, i) => {
      const curves = Object.values(this.data.first.curves);
      const reach = measure === SAME ? [0, Math.max(...curves.flatMap(({ same }) => same?.n ?? [0]))] : reachOf(this.data, measure);
      this.smallOf(measure).draw(this.shown({ measure, kinds, reach, small: true, legend: i === 0 && kinds.length > 1 }));
    });
  }

  paintBeside() {
    const { first, second, missing } = this.data;
    const measure = this.distance();
    const kind = this.kindNow();
    const pair = [first, second];
    const reach = sigmaReach(pair, measure, kind);
    pair.forEach((swept, i) => {
      setText(this.sides[i].title, swept?.label ?? this.data.beside);
      this.sides[i].draw(this.shown({ swept, measure, kind, kindName: this.nameOf(kind), own: this.state.unit === "own", reach, each: this.state.each, second: i === 1, missing: missing.second ?? "" }));
    });
    this.shifts.draw({ sides: pair, measure, at: this.state.shift });
    this.tell();
  }

  /** The table of both recognisers follows the cursor. */
  tell() {
    const { first, second, beside } = this.data;
    this.table.draw({ sides: [first, second], measure: this.distance(), kind: this.kindNow(), at: this.state.at, place: (x) => this.place(x), names: [first.label, second?.label ?? beside].map(shortName) });
  }

  /** Moves the cursor: of every graph, and without drawing one anew. */
  point(at) {
    this.state.at = at;
    const tab = this.tab();
    if (tab === "one") [...Object.values(this.curves), this.map, this.profile].forEach((graph) => graph.point(at));
    else if (tab === "all") this.smallOnes().forEach((measure) => this.smallOf(measure).point(at));
    else { this.sides.forEach((side) => side.point(at)); this.tell(); }
    this.keep();
  }

  /** Writes what is shown into the address, once the hand rests. */
  keep() {
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      const wanted = new URLSearchParams(this.data.query);
      for (const [name, first] of Object.entries(FIRST)) {
        const value = name === "at" || name === "shift" ? Math.round(this.state[name]) : this.state[name];
        if (value !== first) wanted.set(name, value);
      }
      keepAddress(`${wanted}`, "sweeps");
    }, 250);
  }
}

/** What an address says of this page; what makes no sense there counts as not said. */
export function stateIn(entries) {
  const found = {};
  const number = (name, high) => {
    const value = Number(entries.get(name));
    if (entries.has(name) && value >= 0 && value <= high) found[name] = value;
  };
  const one = (name, words) => { if (words.includes(entries.get(name))) found[name] = entries.get(name); };
  one("measure", [ALL, ...ROWS.tiles.map(({ id }) => id)]);
  one("angles", ["both", ...KINDS]);
  one("kind", KINDS);
  one("unit", ["sigma", "own"]);
  number("at", 1000);
  number("shift", 1000);
  for (const name of ["each", "mine", "strangers"]) if (["0", "1"].includes(entries.get(name))) found[name] = Number(entries.get(name));
  return found;
}

function capital(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Buttons of which one is pressed. */
function segments(label, options, chosen, choose) {
  const group = textElement("span", "sw-segments", "");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", label);
  group.append(...options.map(([name, words]) => {
    const one = button(words, "", () => choose(name));
    one.removeAttribute("title");
    one.setAttribute("aria-pressed", String(name === chosen));
    one.dataset.focus = `${label}-${name}`;
    return one;
  }));
  return group;
}
