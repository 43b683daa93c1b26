// @module argument: the Argument page: steps, the sentence to see, two pictures, sliders, numbers.
//
// Draws what the server says (blurdash/ui/argument/scenes.py). Numbers of where the hand is are found in this
// browser where it can (argument_numbers.js), else the server is asked for them. Everything that comes from the
// server is written as text, but for pictures, which are data URLs.

import { bus } from "../bus.js";
import { Pair } from "../pictures/pair.js";
import { ROWS } from "../rows.js";
import { STYLES } from "../styles.js";
import { takeReader } from "../wasm/reader.js";
import { keepAddress } from "../widgets/address.js";
import { headlineOf } from "../widgets/argument_headline.js";
import { Asker } from "../widgets/asker.js";
import { coloured } from "../widgets/explore_sentence.js";
import { leaveHand, takeHand } from "../widgets/hand.js";
import { Presenter, isTaken } from "../widgets/presenter.js";
import { renewPage } from "../widgets/scene.js";
import { Settler } from "../widgets/settler.js";
import { Slider, moved } from "../widgets/slider.js";
import { setText, textElement } from "../widgets/texts.js";
import { describeSpec, specOf } from "./argument_captions.js";
import { ArgumentFinder } from "./argument_finder.js";
import { ArgumentNumbers } from "./argument_numbers.js";
import { CodeOnScreen } from "./argument_code.js";
import { buildPanel } from "./argument_panels.js";
import { homeLines } from "./argument_home.js";
import { hungVerdict, otherMeasures, roomNow, shownMeasures } from "./argument_rows.js";

const ARGUE_RETRY_MS = 2500;
const ARGUE_POLL_MS = 800;
const ARGUE_LONG = 92; // characters of a headline that is set smaller
const ARGUE_FAILS_PX = 10; // a blur that the embedding prefers on most faces, until it is known of this one
const SAID_ELSEWHERE = new Set(["two-pictures", "sceptic", "take-home"]); // what to see stands in other panels
// What is to be seen at a press whose number has not all come yet, or that is about a map.
const ARGUE_SEEN = {
  pixels: ["Ink is the squared error against the clean photo, pixel by pixel: PSNR counts nothing else."],
  embedding: [null, "Each patch of the picture is hidden in turn. Where there is more ink, hiding it moves the recogniser's number more."],
};
// The map that lies on the pictures when a press has come.
const ARGUE_MAPS = { pixels: ["Squared error", "SSIM"], embedding: [null, "Occlusion", null] };
const ARGUE_STILL_MS = 300; // a hand that has not moved for so long is one at rest to what is computed here

/** Draws the page into a component's root and keeps it in step with the server. */
export function mountArgument(component) {
  const root = component.parentElement;
  const argue = (root.__blurdashArgue ??= new Argue(root));
  argue.component = component;
  argue.receive(component.data);
  return () => {
    if (root.__blurdashArgue !== argue) return;
    delete root.__blurdashArgue;
    argue.dispose();
  };
}

const ARGUE_FIGURE = (side) => `
  <figure>
    <button type="button" class="ba-frame" data-side="${side}"><canvas width="1" height="1"></canvas></button>
    <span class="ba-over" role="img" hidden></span><span class="ba-tag"></span>
    <figcaption></figcaption>
  </figure>`;

const ARGUE_HTML = `
  <h2 class="ba-see" aria-live="polite"></h2>
  <div class="ba-body">
    <div class="ba-left">
      <div class="ba-pictures">${ARGUE_FIGURE(0)}<div class="ba-switch" role="group" aria-label="What lies on the pictures"></div>${ARGUE_FIGURE(1)}</div>
      <div class="ba-below"></div>
    </div>
    <div class="ba-side">
      <p class="ba-message ba-panel" role="status"></p>
      <button type="button" class="bd-btn ba-remedy" hidden></button>
      <div class="ba-right"></div>
      <div class="ba-sliders ba-panel"></div>
    </div>
  </div>
  <div class="ba-foot">
    <p class="ba-facts"></p>
    <nav class="ba-steps" aria-label="Scenes">
      <button type="button" class="bd-btn ba-go" data-go="-1" title="Back (left arrow, Page up)">← Back</button>
      <ol></ol>
      <button type="button" class="bd-btn ba-go bd-main" data-go="1" title="What comes next (right arrow, Page down, space)">Next →</button>
      <button type="button" class="bd-btn ba-present" title="Full screen for a projector (key F)">Present</button>
    </nav>
  </div>`;

// What a hand moves most often has the whole width.
const ARGUE_WIDE = new Set(["degree", "x", "degree_a", "angle_a", "degree_b", "angle_b"]);
// Panels that stand beneath the pictures; the others stand beside them.
const ARGUE_BELOW = new Set(["verdict", "vote"]);

class Argue {
  constructor(root) {
    this.root = root;
    this.box = root.querySelector(".bd-argument");
    this.data = null;
    this.values = null; // what the sliders say: name to number
    this.asked = { scene: null, act: 0 };
    this.at = 0; // how many presses inside the scene
    this.shownMap = undefined; // title of the maps that lie on the pictures; null for none, undefined as the press says
    this.maps = []; // the last ones that came
    this.kept = null; // the degree that was left for one at which the embedding fails
    this.timers = {};
    this.build();
    this.movedAt = 0;
    const page = {
      data: () => this.data,
      specs: () => this.specs(),
      sliders: () => this.values,
      isFresh: () => this.isFresh(),
      mayWork: () => !this.isMoving() && !this.finder.search,
      twin: () => this.twinNow(),
      told: () => this.finder.toldHere(),
      readsHere: () => this.numbers.hasHere(),
      changed: () => this.paint(),
      jump: (change) => this.jump(change),
    };
    this.numbers = new ArgumentNumbers(page);
    this.finder = new ArgumentFinder(page);
    this.asker = new Asker((number) => this.component.setStateValue("pos", [...this.position(), number]), renewPage);
    this.presenter = new Presenter((on) => this.presented(on));
    // At rest the address follows, and what takes longer to compute.
    this.settler = new Settler({
      place: () => this.position().join(","),
      told: () => this.data.rested.split(",").slice(0, ROWS.sliders.argument.length).join(","),
      busy: () => !this.isFresh() && !this.numbers.hasHere(),
      alone: () => this.numbers.hasHere(),
      tell: (place) => this.tellRest(place),
      lost: renewPage,
    });
    this.pair = new Pair([...this.box.querySelectorAll("canvas")], (found) => this.take(found));
    this.code = new CodeOnScreen(this.box, () => this.data.panels.find(({ kind }) => kind === "ways") ?? null,
      () => [...this.parts.pictures.querySelectorAll("canvas")], () => this.act("phones"));
    this.listen();
  }

  build() {
    const style = document.createElement("style");
    style.textContent = STYLES.argument;
    this.box.before(style);
    this.box.innerHTML = ARGUE_HTML; // a constant: nothing from outside gets in here
    const one = (selector) => this.box.querySelector(selector);
    this.parts = {
      steps: one("ol"), see: one(".ba-see"), pictures: one(".ba-pictures"), switch: one(".ba-switch"), body: one(".ba-body"), right: one(".ba-right"),
      below: one(".ba-below"), of: textElement("span", "ba-of", ""), sliders: one(".ba-sliders"), foot: one(".ba-foot"), facts: one(".ba-facts"), message: one(".ba-message"), remedy: one(".ba-remedy"),
      figures: [...this.box.querySelectorAll("figure")],
      frames: [...this.box.querySelectorAll(".ba-frame")],
      present: one(".ba-present"),
    };
    this.rows = {};
    for (const row of ROWS.sliders.argument) this.parts.sliders.append(this.buildRow(row));
    for (const button of this.box.querySelectorAll(".ba-go")) {
      button.onclick = () => this.step(Number(button.dataset.go));
    }
    for (const frame of this.parts.frames) frame.onclick = () => this.tap(Number(frame.dataset.side));
    this.parts.present.onclick = () => this.presenter.toggle();
  }

  buildRow(row) {
    const line = document.createElement("div");
    line.className = ARGUE_WIDE.has(row.name) ? "ba-row ba-wide" : "ba-row";
    line.title = row.hint;
    const slider = new Slider({ ...row, page: 0 }, "ba", (value) => this.move({ [row.name]: value }));
    const output = document.createElement("output");
    const { range } = slider;
    line.append(slider.label, range, output);
    // A pointer lets go of the slider: the next key is a clicker's, and changes the scene.
    const letGo = () => { if (range.bdPointed) range.blur(); range.bdPointed = false; };
    range.onpointerdown = () => { range.bdPointed = true; };
    range.onpointerup = range.onpointercancel = range.onchange = letGo;
    this.rows[row.name] = { line, slider, output };
    return line;
  }

  listen() {
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    this.onNotHere = () => {
      if (!this.data) return;
      this.paint();
      if (!this.isFresh()) this.asker.want(); // nobody asked the server on the way
    };
    bus.addEventListener("not-here", this.onNotHere);
  }

  dispose() {
    this.finder.stop();
    leaveHand("argument", this.data.start, this.values);
    document.removeEventListener("keydown", this.onKey);
    bus.removeEventListener("not-here", this.onNotHere);
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
    this.presenter.set(false);
    for (const part of [this.asker, this.settler, this.presenter, this.pair, this.numbers]) part.dispose();
  }

  after(name, wait, run) {
    clearTimeout(this.timers[name]);
    this.timers[name] = setTimeout(run, wait);
  }

  // ---- what the hand does -----------------------------------------------------------------------

  key(event) {
    if (!this.data) return;
    const byClicker = /^Page(Up|Down)$/.test(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!byClicker && isTaken(event, false)) return; // a clicker's keys change the scene wherever the focus is
    if (event.key === "f" || event.key === "F") { this.presenter.toggle(); return; }
    if (event.key === "Escape") { this.presenter.set(false); return; }
    if ((event.key === "q" || event.key === "Q") && this.data.hidden) { this.code.open(); return; }
    if (event.key === "m" || event.key === "M") { this.toggleMap(); return; }
    const step = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1, " ": 1 }[event.key];
    if (!byClicker && isTaken(event, true)) return; // a slider has its arrows
    if (!step || (event.defaultPrevented && !byClicker) || (event.key === " " && event.composedPath()[0].tagName === "BUTTON")) return;
    event.preventDefault();
    if (this.code.isOpen) this.code.close();
    else this.step(step);
  }

  /** One press: the next thing inside the scene, or the next scene; back the same way. */
  step(by) {
    const { scenes } = this.data;
    const now = this.sceneNow();
    const place = scenes.findIndex((one) => one.id === now);
    const presses = scenes[place].presses.length;
    if (now === "two-pictures" && by > 0 && this.data.hidden) {
      this.act("reveal");
      return;
    }
    const step = this.stepNow() + by;
    if (step >= 0 && step <= presses && now !== "two-pictures") {
      this.setStep(step);
      return;
    }
    const next = scenes[place + by];
    if (next) this.goTo(next.id, by < 0 ? next.presses.length : 0);
  }

  /** How many presses have come inside the scene; of the first one the server knows. */
  stepNow() {
    return this.sceneNow() === "two-pictures" ? Number(!this.data.hidden) : this.at;
  }

  sceneNow() {
    return this.asked.scene ?? this.data.scene;
  }

  setStep(step) {
    this.at = step;
    this.shownMap = undefined;
    this.showWhereItFails(this.sceneNow() === "embedding" && step === 2);
    this.paint();
  }

  /** Blurs by less than the embedding takes the sharp picture for; and by as much as before afterwards. */
  showWhereItFails(fails) {
    if (fails && this.kept === null) {
      this.kept = this.values.degree;
      this.move({ degree: this.failingDegree() });
    } else if (!fails && this.kept !== null) {
      const { kept } = this;
      this.kept = null;
      this.move({ degree: kept });
    }
  }

  failingDegree() {
    const own = this.numbers.shown();
    const low = own && this.numbers.failsFrom(own);
    return low ? Math.max(1, Math.floor((2 * low) / 3)) : ARGUE_FAILS_PX;
  }

  /** Asks for a scene, again and again until the server has drawn it. */
  goTo(scene, step = 0) {
    this.showWhereItFails(false);
    this.asked.scene = scene;
    this.at = step;
    this.shownMap = undefined;
    this.paintSteps();
    this.tellPlace();
    this.component.setStateValue("scene", `${scene}#${Date.now()}`);
    this.after("scene", ARGUE_RETRY_MS, () => {
      if (!this.asked.scene || this.asked.scene === this.data.scene) return;
      renewPage();
      this.goTo(this.asked.scene, this.at);
    });
  }

  /** Asks for something to be done once: it has a number, and is repeated until it is answered. */
  act(name, argument = null) {
    if (this.finder.finds(name)) {
      this.finder.find(name);
      return;
    }
    this.tellPlace(); // it is done to what is seen
    this.asked.act = Math.max(this.asked.act, this.data.acted) + 1;
    this.send([name, argument, this.asked.act]);
  }

  send(what) {
    this.component.setStateValue("act", what);
    this.after("act", ARGUE_RETRY_MS, () => {
      if (this.data.acted >= what[2]) return;
      renewPage();
      this.send(what);
    });
  }

  tap(side) {
    if (this.data.hidden) this.act("vote", this.data.swapped ? 1 - side : side);
  }

  move(change) {
    this.finder.stop();
    this.values = moved(ROWS.sliders.argument, this.values, change);
    this.movedAt = performance.now();
    this.after("still", ARGUE_STILL_MS, () => this.paint());
    this.paint();
    if (!this.numbers.hasHere()) this.asker.want();
    this.settler.soon();
  }

  /** Moves the sliders to where something was found. */
  jump(change) {
    this.values = moved(ROWS.sliders.argument, this.values, change);
    this.settler.soon(true);
  }

  isMoving() {
    return performance.now() - this.movedAt < ARGUE_STILL_MS;
  }

  // ---- what is found here, and what the server is told -----------------------------------------------

  /** Numbers of two pictures that came from the core in this browser. */
  take(found) {
    this.numbers.take(found);
    if (!this.data) return;
    this.numbers.compare();
    this.paint();
  }

  /** The twins on screen, found here or by the server; null for none. */
  twinNow() {
    return this.finder.toldHere()?.twin ?? (this.isFresh() ? this.data.twin : null);
  }

  /** Tells where the hand rests; where the server was not asked on the way, it is asked by this, too. */
  tellRest(place) {
    const alone = this.numbers.hasHere() ? `,${this.asker.nextNumber()}` : "";
    this.component.setStateValue("rest", place + alone);
  }

  /** Tells where the sliders are, where the server does not know. */
  tellPlace() {
    if (!this.isFresh()) this.component.setStateValue("pos", [...this.position(), this.asker.nextNumber()]);
  }

  presented(on) {
    this.parts.present.setAttribute("aria-pressed", String(on));
  }

  // ---- what the server says -----------------------------------------------------------------------

  receive(data) {
    const jump = !this.data || this.data.start !== data.start;
    const other = !this.data || this.data.scene !== data.scene;
    const left = this.data ? null : takeHand("argument", data.start);
    this.data = data;
    if (jump) this.values = left ?? Object.fromEntries(ROWS.sliders.argument.map((row, i) => [row.name, data.pos[i]]));
    if (data.scene === this.asked.scene) { this.asked.scene = null; clearTimeout(this.timers.scene); }
    if (data.acted >= this.asked.act) clearTimeout(this.timers.act);
    takeReader(data.reader);
    this.numbers.compare();
    this.asker.answered(data.ack, this.isFresh() || this.numbers.hasHere());
    if (this.isFresh()) keepAddress(data.address, "argument");
    this.noteRegistered();
    this.paint();
    if (data.hidden) this.code.look();
    else this.code.close();
    if (jump || other) this.settler.soon(true);
    clearTimeout(this.timers.poll);
    if (data.pending) this.after("poll", ARGUE_POLL_MS, () => this.poll());
  }

  /** Asks what is new; again and again, for a run of the whole page can swallow the question. */
  poll() {
    this.component.setStateValue("poll", Math.random());
    this.after("poll", ARGUE_RETRY_MS, () => this.poll());
  }

  position() {
    return ROWS.sliders.argument.map((row) => this.values[row.name]);
  }

  /** Whether the numbers that came are of where the sliders are. */
  isFresh() {
    return this.position().every((value, i) => value === this.data.pos[i]);
  }

  // ---- what is seen -------------------------------------------------------------------------------

  paint() {
    const { data, parts } = this;
    this.box.dataset.scene = data.scene;
    this.box.dataset.step = this.stepNow();
    this.box.toggleAttribute("data-hidden", data.hidden);
    this.paintSteps();
    this.paintSliders();
    this.paintPictures();
    const own = this.numbers.shown();
    const { see, panels } = own ? this.numbers.scene(own) : data;
    const here = own ? this.numbers.areOfHere(own) : this.isFresh() && data.ready;
    this.box.dataset.state = here ? "exact" : own ? "own" : "pending";
    this.box.dataset.by = own ? "page" : "server";
    this.paintPanels(this.dressed(see, panels));
    this.paintHeadline(see, panels);
    this.paintOf(own && !here && !data.hidden ? own : null); // before the reveal it would say what was done
    this.paintMaps();
    this.paintFacts();
    setText(parts.message, data.message);
    parts.message.classList.toggle("ba-alert", Boolean(data.alert));
    parts.remedy.hidden = !data.remedy;
    setText(parts.remedy, data.remedy?.label ?? "");
    parts.remedy.title = data.remedy?.hint ?? "";
    parts.remedy.onclick = () => data.remedy && this.act(data.remedy.act, null);
  }

  /** The panels as this press has them: rows as they hang, the room among them, maps on the pictures. */
  dressed(see, panels) {
    const { data } = this;
    const verdict = this.verdictIn(panels);
    const step = this.stepNow();
    const rest = panels.filter((panel) => panel.kind !== "verdict" && panel.kind !== "maps" && comesBy(panel, data.scene, step))
      .map((panel) => this.finder.painted(panel));
    if (!verdict || !shownMeasures(data.scene, 0)) return rest;
    const page = { scene: data.scene, step, swapped: data.swapped, room: this.room() };
    const more = otherMeasures(verdict, page);
    const said = SAID_ELSEWHERE.has(data.scene) ? [] : [{ kind: "notes", title: "What to see", lines: [ARGUE_SEEN[data.scene]?.[step] ?? see] }];
    const dressed = [hungVerdict(verdict, page), ...said, ...(more ? [more] : []), ...rest];
    if (data.scene === "take-home") return [dressed[0], ...this.takeHome(verdict, dressed[0], page)];
    return dressed.map((panel) => (panel.kind === "four" ? { ...panel, at: page.step } : panel));
  }

  /** What to take home of the pair, and what to carry away. */
  takeHome(verdict, hung, page) {
    const rows = this.rowsOf(verdict, { ...page, swapped: false, room: null });
    const own = this.numbers.shown();
    const from = own ? this.numbers.failsFrom(own) : null;
    const done = this.done();
    const registered = this.registered?.of === JSON.stringify(done) ? this.registered.words : [];
    return [{ kind: "home", lines: homeLines({ rows, sliders: this.values, from, registered }) },
      { kind: "carry", alone: Boolean(this.data.alone), rows: hung.rows, facts: this.data.facts, sliders: done }];
  }

  /** A and B as they are shown, with what was done to them. */
  hungPictures() {
    const pictures = this.parts.figures.map((figure) => ({ canvas: figure.querySelector("canvas"), caption: figure.querySelector("figcaption").textContent }));
    return this.data.swapped ? pictures.reverse() : pictures;
  }

  /** Where the sliders of the pair are. */
  done() {
    return Object.fromEntries(Object.entries(this.values).filter(([name]) => !/_[ab]$/.test(name)));
  }

  /** Remembers which measures side with the sharp picture once both are registered, for the last scene. */
  noteRegistered() {
    const way = this.data.panels.find(({ kind }) => kind === "four")?.ways[1];
    if (!way?.known || !this.isFresh()) return;
    const words = way.rows.filter(({ family, wins }) => family === "pixels" && wins === 1).map(({ name }) => name);
    this.registered = { of: JSON.stringify(this.done()), words };
  }

  /** The address of this story, where it is. */
  linkToStory() {
    return location.href;
  }

  /** The table of the pair; of the sceptic's four ways the one that this press has come to. */
  verdictIn(panels, step = this.stepNow()) {
    const four = panels.find(({ kind }) => kind === "four");
    return four ? four.ways[step] : panels.find(({ kind }) => kind === "verdict");
  }

  room() {
    return roomNow({ vote: this.data.vote, scene: this.data.scene, revealed: !this.data.hidden }, this.values);
  }

  paintHeadline(see, panels) {
    const { parts } = this;
    const text = this.headline(see, panels);
    parts.see.classList.toggle("ba-long", text.length > ARGUE_LONG);
    parts.see.setAttribute("aria-live", this.isMoving() ? "off" : "polite");
    if (parts.see.textContent !== text) {
      parts.see.replaceChildren(...coloured(text).map(([piece, family]) => textElement(family ? "em" : "span", family ? `ba-of-${family}` : "", piece)));
    }
  }

  headline(see, panels) {
    const { data } = this;
    const page = { scene: data.scene, step: this.stepNow(), swapped: data.swapped, room: null };
    const shown = this.rowsOf(this.verdictIn(panels), page);
    const audit = panels.find(({ kind, head }) => kind === "table" && head.length === 3);
    const lengths = audit?.rows.find(({ cells }) => cells[0] === "True length")?.cells.slice(1).map(parseFloat) ?? [];
    return headlineOf({ scene: data.scene, step: page.step, room: this.room() ?? { counts: [0, 0] },
      rows: shown, before: this.rowsOf(this.verdictIn(panels, 0), page), sharp: Number(Boolean(data.swapped)),
      degree: this.values.degree, lengths, otherwise: see });
  }

  /** Rows as the headline reads them; none while they are computed. */
  rowsOf(verdict, page) {
    if (!verdict || !shownMeasures(page.scene, page.step)) return [];
    return hungVerdict(verdict, page).rows.filter(({ cells }) => !cells.includes("···")).map(asChoice);
  }

  /** While numbers are of a place that the hand has left: of which. */
  paintOf(own) {
    const { of } = this.parts;
    of.hidden = !own;
    if (own) setText(of, `numbers of: ${this.data.pictures.map((which, i) => describeSpec(which, own.specs[i])).join(" | ")}`);
  }

  /** Only what has changed is built anew: a button under a finger stays where it is. */
  paintPanels(panels) {
    const { parts } = this;
    const focused = this.root.activeElement?.dataset?.focus;
    this.paintInto(parts.below, panels.filter((one) => ARGUE_BELOW.has(one.kind)));
    this.paintInto(parts.right, panels.filter((one) => !ARGUE_BELOW.has(one.kind)));
    if (focused) this.box.querySelector(`[data-focus="${focused}"]`)?.focus();
  }

  /** Builds panels of a kind once more: what is seen of them is another choice now. */
  rebuild(kind) {
    for (const panel of this.parts.right.querySelectorAll(`.ba-${kind}`)) panel.bdText = "";
    this.paint();
  }

  paintInto(place, wanted) {
    const { data } = this;
    const old = [...place.children];
    const panels = wanted.map((panel) => {
      const text = JSON.stringify(panel.kind === "vote" || panel.kind === "flips" ? [panel, data.vote, this.values.x, this.values.y, this.values.degree] : panel);
      const same = old.find((one) => one.bdText === text);
      if (same) return same;
      const built = buildPanel(this, panel);
      built.bdText = text;
      return built;
    });
    if (panels.length === old.length && panels.every((one, i) => one === old[i])) return;
    old.forEach((one) => { if (!panels.includes(one)) one.remove(); });
    panels.forEach((one, i) => { if (place.children[i] !== one) place.insertBefore(one, place.children[i] ?? null); });
  }

  /** Lays the maps of this press on the pictures they belong to; no map of another place. */
  paintMaps() {
    const { data, parts } = this;
    const panel = data.panels.find((one) => one.kind === "maps");
    if (panel && !panel.keep) this.maps = panel.rows;
    const rows = panel ? this.maps.filter(({ title }) => title !== "SSIM" || this.stepNow() > 0) : [];
    const title = this.mapNow();
    const row = panel && !panel.keep && this.isFresh() ? rows.find((one) => one.title === title) : null;
    parts.figures.forEach((figure, i) => {
      const over = figure.querySelector(".ba-over");
      const picture = row?.pictures[i];
      const mask = picture?.url ? `url("${picture.url}")` : "";
      over.hidden = !mask;
      figure.toggleAttribute("data-mapped", Boolean(mask));
      if (over.style.maskImage !== mask) over.style.maskImage = over.style.webkitMaskImage = mask;
      over.dataset.family = row?.family ?? "";
      over.setAttribute("aria-label", row ? `${row.title}: ${picture?.text ?? ""}` : "");
      const tag = figure.querySelector(".ba-tag");
      tag.replaceChildren(this.letterOf(i), ...(mask ? [textElement("small", "", `${row.title}, ${picture.text}`)] : []));
    });
    this.paintSwitch(rows, title, row);
  }

  /** Which map is wanted: the one of this press, until somebody chooses. */
  mapNow() {
    if (this.shownMap !== undefined) return this.shownMap;
    return ARGUE_MAPS[this.data.scene]?.[this.stepNow()] ?? null;
  }

  paintSwitch(rows, title, row) {
    const names = rows.some(({ pictures }) => pictures.some(Boolean)) ? ["Picture", ...rows.map((one) => one.title)] : [];
    const text = JSON.stringify([names, title, row?.note ?? "", row?.family ?? ""]);
    if (text === this.switchText) return;
    this.switchText = text;
    const buttons = names.map((name, i) => {
      const one = textElement("button", "bd-btn", name);
      one.type = "button";
      one.title = i ? `${rows[i - 1].note} (key M)` : "The pictures themselves (key M)";
      one.setAttribute("aria-pressed", String(i ? name === title : !rows.some((other) => other.title === title)));
      one.onclick = () => this.showMap(i ? name : null);
      return one;
    });
    const scale = row ? [Object.assign(textElement("span", "ba-ink", ""), { ariaHidden: "true" }), textElement("small", "", row.note)] : [];
    if (row) scale[0].dataset.family = row.family;
    this.parts.switch.replaceChildren(...buttons, ...scale);
  }

  /** Puts maps on the pictures, or takes them away again. */
  showMap(title) {
    this.shownMap = title;
    this.paintMaps();
  }

  toggleMap() {
    const title = this.mapNow();
    this.showMap(title === null ? ARGUE_MAPS[this.data.scene]?.[this.stepNow()] ?? this.maps[0]?.title ?? null : null);
  }

  /** What a picture is called where it hangs. */
  letterOf(i) {
    return "AB"[this.data.swapped ? 1 - i : i];
  }

  /** What stands beside every number: names, and their values in ink. */
  paintFacts() {
    const text = JSON.stringify(this.data.facts);
    if (text === this.factsText) return;
    this.factsText = text;
    const facts = this.data.facts.map(([name, value]) => {
      const fact = textElement("span", "", `${name} `);
      fact.append(textElement("b", "", value));
      return fact;
    });
    this.parts.facts.replaceChildren(...facts, this.parts.of, textElement("span", "ba-keys", "← → change the scene"));
  }

  paintSteps() {
    const { data, parts } = this;
    const now = this.sceneNow();
    if (parts.steps.childElementCount !== data.scenes.length) {
      parts.steps.replaceChildren(...data.scenes.map((scene) => this.buildStep(scene)));
    }
    const at = data.scenes.findIndex((one) => one.id === now);
    const step = this.stepNow();
    data.scenes.forEach((scene, i) => {
      const button = parts.steps.children[i].querySelector("button");
      if (scene.id === now) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
      parts.steps.children[i].querySelectorAll("i").forEach((bar, j) => {
        bar.dataset.state = i < at || (i === at && j < step) ? "done" : i === at && j === step ? "now" : "";
      });
    });
    const [back, next] = this.box.querySelectorAll(".ba-go");
    const { presses } = data.scenes[at];
    back.disabled = at === 0;
    next.disabled = at === data.scenes.length - 1 && step >= presses.length;
    setText(next, `${presses[step] ?? "Next"} →`);
  }

  buildStep(scene) {
    const item = document.createElement("li");
    const bars = textElement("span", "ba-bars", "");
    bars.append(...[null, ...scene.presses].map(() => document.createElement("i")));
    const button = textElement("button", "", scene.title);
    button.type = "button";
    button.onclick = () => this.goTo(scene.id);
    item.append(bars, button);
    return item;
  }

  paintSliders() {
    for (const row of ROWS.sliders.argument) {
      const { line, slider, output } = this.rows[row.name];
      const value = this.values[row.name];
      // Twins lie between the steps of the sliders: what is said is what they are.
      const said = this.twinValue(row.name) ?? value;
      line.hidden = !this.data.sliders.includes(row.name);
      slider.show(value, `${said} ${row.unit}`, row.min);
      setText(output, `${said}${row.unit === "°" ? "" : " "}${row.unit}`.trim().replace("-", "−"));
    }
    this.parts.sliders.hidden = this.data.sliders.length === 0;
  }

  /** The number of the twins on screen that a slider is about; null for none. */
  twinValue(name) {
    const twin = this.twinNow();
    if (!twin) return null;
    const number = { degree: twin.length, angle: twin.angle, x: twin.x, y: twin.y }[name];
    return number === undefined ? null : Math.round(number * 10) / 10;
  }

  paintPictures() {
    const { data, parts } = this;
    parts.body.dataset.pictures = String(data.pictures.length);
    if (!data.pictures.length) return;
    this.hang();
    this.pair.show(this.specs());
    const voting = data.hidden;
    parts.frames.forEach((frame, i) => {
      frame.disabled = !voting;
      frame.classList.toggle("ba-mine", voting && "AB"[data.vote.mine] === this.letterOf(i));
      const name = `Picture ${this.letterOf(i)}`;
      const caption = data.hidden ? name : this.captionOf(data.pictures[i]);
      frame.setAttribute("aria-label", voting ? `${name} looks sharper` : data.hidden ? name : `${name}: ${caption}`);
      setText(parts.figures[i].querySelector("figcaption"), caption);
    });
  }

  /** A stands before B, whichever of both is the sharp one. */
  hang() {
    const { figures, pictures, switch: middle } = this.parts;
    const wanted = this.data.swapped ? [...figures].reverse() : figures;
    if (pictures.firstElementChild === wanted[0]) return;
    pictures.replaceChildren(wanted[0], middle, wanted[1]);
  }

  /** What is done to both pictures, the sharp one first, for the pair that draws them. */
  specs() {
    return this.data.pictures.map((which) => this.spec(which));
  }

  spec(which) {
    return specOf(which, this.values, this.data.kernel, this.twinNow());
  }

  captionOf(which) {
    return describeSpec(which, this.spec(which));
  }
}

/** A row of the verdict as the headline reads it. */
function asChoice({ test, family, wins, cells }) {
  const { word } = ROWS.argument.measures.find(({ measure }) => `argue-${measure}` === test);
  return { word, pixels: family === "pixels", side: wins === null ? null : wins - 1, known: !cells.includes("–") };
}

/** Whether a panel is shown at a press: where the claim weakens is told where it is seen. */
function comesBy({ about, fails, small }, scene, step) {
  if (about === "fails") return step === 2;
  if (scene === "sceptic" && fails) return step > 0;
  return !(small && scene === "pixels" && step === 0);
}
