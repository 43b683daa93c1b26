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
import { CropBoxes } from "./argument_crops.js";
import { buildPanel, renewVerdict } from "./argument_panels.js";
import { PictureMaps } from "./argument_maps.js";
import { Press } from "./argument_press.js";
import { roomNow } from "./argument_rows.js";
import { SceneSteps } from "./argument_steps.js";

const ARGUE_RETRY_MS = 2500;
const ARGUE_POLL_MS = 800;
const ARGUE_LONG = 92; // characters of a headline that is set smaller
const ARGUE_FAILS_PX = 10; // a blur that the embedding prefers on most faces, until it is known of this one
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
    this.maps = new PictureMaps(this.parts.figures, this.parts.switch, {
      panel: () => this.data.panels.find(({ kind }) => kind === "maps"),
      isFresh: () => this.isFresh(),
      scene: () => this.data.scene,
      step: () => this.stepNow(),
      letterOf: (i) => this.letterOf(i),
    });
    this.crops = new CropBoxes(this.parts.figures);
    this.steps = new SceneSteps(this.parts.steps, [...this.box.querySelectorAll(".ba-go")], (scene) => this.goTo(scene));
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
    if (event.key === "m" || event.key === "M") { this.maps.toggle(); return; }
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
    this.maps.reset();
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
    this.maps.reset();
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
    const press = this.press(own, see, panels);
    this.paintPanels(press.panels((panel) => this.finder.painted(panel)));
    this.paintHeadline(press.headline());
    this.paintOf(own && !here && !data.hidden ? own : null); // before the reveal it would say what was done
    this.maps.paint();
    const four = data.panels.find(({ kind }) => kind === "four");
    this.crops.show((this.isFresh() && four?.ways[this.stepNow()].crops) || []);
    this.paintFacts();
    setText(parts.message, data.message);
    parts.message.classList.toggle("ba-alert", Boolean(data.alert));
    parts.remedy.hidden = !data.remedy;
    setText(parts.remedy, data.remedy?.label ?? "");
    parts.remedy.title = data.remedy?.hint ?? "";
    parts.remedy.onclick = () => data.remedy && this.act(data.remedy.act, null);
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

  room() {
    return roomNow({ vote: this.data.vote, scene: this.data.scene, revealed: !this.data.hidden }, this.values);
  }

  /** What there is to see at this press, of the numbers that are shown. */
  press(own, see, panels) {
    const { data } = this;
    // While the hand moves on, the numbers are of where it was: so is what is said of them.
    const sliders = own ? this.numbers.slidersOf(own) : this.values;
    const registered = this.registered?.of === JSON.stringify(this.done()) ? this.registered.words : [];
    return new Press({ data, see, all: panels, step: this.stepNow(), sliders, done: this.done(), room: this.room(), registered,
      from: () => (own ? this.numbers.failsFrom(own) : null) });
  }

  paintHeadline(text) {
    const { parts } = this;
    parts.see.classList.toggle("ba-long", text.length > ARGUE_LONG);
    parts.see.setAttribute("aria-live", this.isMoving() ? "off" : "polite");
    if (parts.see.textContent !== text) {
      parts.see.replaceChildren(...coloured(text).map(([piece, family]) => textElement(family ? "em" : "span", family ? `ba-of-${family}` : "", piece)));
    }
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
      const table = panel.kind === "verdict" ? old.find((one) => one.classList.contains("ba-verdict")) : null;
      if (table) {
        renewVerdict(table, panel);
        table.bdText = text;
        return table;
      }
      const built = buildPanel(this, panel);
      built.bdText = text;
      return built;
    });
    if (panels.length === old.length && panels.every((one, i) => one === old[i])) return;
    old.forEach((one) => { if (!panels.includes(one)) one.remove(); });
    panels.forEach((one, i) => { if (place.children[i] !== one) place.insertBefore(one, place.children[i] ?? null); });
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
    this.steps.paint(this.data.scenes, this.sceneNow(), this.stepNow());
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
