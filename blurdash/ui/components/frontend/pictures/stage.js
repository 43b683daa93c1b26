// @module stage: the picture stage, a Streamlit component (st.components.v2).
//
// The clean face comes once, in `data`.  What is done to it comes over a page-wide bus, from the
// controls component:
//
//   window.__blurdash          EventTarget; .view holds the last view, for a stage that mounts late
//   in   "view"     detail: a View (views.js).  Drawn in the next frame; the exact picture follows
//                   as soon as it is computed, where no other view came meanwhile
//   .measurer       {face, measure(view, reader, reference)}: its numbers in idle time (renderer.js); null while there is
//                   no picture
//   in   "present"  detail: {on}; larger pictures
//   in   "wish-loupe"  a key asks for the loupe, or for its end
//   in   "hold"     detail: {view, family, text}: shown in place of the changed picture, until null comes
//   out  "drawn"    detail: {view, exact, ms}
//   out  "numbers"  what the core found for a view: .numbers holds {face, view, values by measure, and the
//                   key of the settings that the embedding's are of}
//   out  "mode"     detail: {mode}; a person chose it
//   .pictures       async () => {view, clean, changed, name, mode, split}: what is shown, at full size and exact;
//                   null while there is no picture
//
// On the section: data-state (loading, preview, exact, error) and data-view (JSON of the view that
// is on screen) tell tests, and style sheets, what can be seen.

import { bus } from "../bus.js";
import { whyNotHere } from "../wasm/client.js";
import { readerNow } from "../wasm/reader.js";
import { drawSquare } from "./canvases.js";
import { Compare } from "./compare.js";
import { drawDifferences } from "./differences.js";
import { KERNELS } from "./kernels.js";
import { Loupe, describeKernel, drawKernel } from "./loupe.js";
import { Pace } from "./pace.js";
import { feedPicture } from "./pair.js";
import { Renderer } from "./renderer.js";
import {
  STAGE_LABELS,
  buildStage,
  describeView,
  fingerprint,
  labelStage,
  nameView,
  unpackStage,
} from "./stage_view.js";
import { checkedView } from "./views.js";

const STAGE_REST_MS = 150; // before the server is asked, or that the picture is a preview is said
const PHONE = "(max-width: 600px)";
const STAGE_LARGEST = 1024;
const STAGE_TRIES = 3; // for a picture that somebody wants to keep
const STAGE_PATIENCE_MS = 500; // for a first view; without one the picture is shown as it is
const STAGE_START = { degree: 0, angle: 0, used_angle: 0, shift_x: 0, shift_y: 0, kernel: Object.keys(KERNELS).find((name) => !KERNELS[name].stretched) };

/** One stage in one parent element, from mount to unmount. */
class Stage {
  constructor(root) {
    this.bus = bus;
    this.parts = buildStage(root);
    this.section = this.parts.section;
    this.labels = STAGE_LABELS;
    this.renderer = new Renderer();
    this.pace = new Pace();
    this.ready = false; // whether there is a picture, and the right one
    this.view = null;
    this.drawn = null; // the view on screen
    this.exact = null; // canvas of that view at full size, once it is on screen
    this.held = null; // {view, family, text} that is shown in its place
    this.painting = null; // {view, here, promise} of an exact picture that is being painted, here or by the server
    this.loads = 0;
    this.mounts = 0;
    this.frame = 0;
    this.rest = 0;
    this.width = 0; // of a picture's frame, px; 0: not known
    this.paints = 0; // how often what lies on the canvases became another
    this.differing = ""; // of which of them the map of differences is, and in which ink
    labelStage(this.parts, this.labels, {});
    this.wire();
    this.setState("loading");
  }

  /** Takes the component's data; the same data again changes nothing. */
  update(data) {
    let header;
    let png;
    try {
      ({ header, png } = unpackStage(data));
    } catch {
      this.fail(this.labels.unreadable);
      return;
    }
    this.labels = { ...STAGE_LABELS, ...header.labels };
    this.compare.labels = this.labels;
    labelStage(this.parts, this.labels, header);
    this.showNotes(header);
    if (header.mode !== this.givenMode) {
      this.givenMode = header.mode;
      this.compare.setMode(modeHere(header.mode ?? "side"));
    }
    this.compare.restart();
    const mark = fingerprint(png);
    if (mark === this.mark) return;
    this.mark = mark;
    this.load(png, header);
  }

  /** What is odd about a face lies on its picture until somebody goes on with it. */
  showNotes({ face, notes }) {
    const { parts, bus } = this;
    const seen = (bus.noted ??= new Set());
    const add = document.querySelector(".st-key-bd_add button"); // none in a page of one file
    parts.notes.hidden = !notes || seen.has(face);
    parts.other.hidden = !add;
    parts.other.onclick = () => add.click();
    parts.goOn.onclick = () => { seen.add(face); parts.notes.hidden = true; };
  }

  dispose() {
    this.stop();
    this.bus.removeEventListener("view", this.onView);
    this.bus.removeEventListener("present", this.onPresent);
    this.bus.removeEventListener("not-here", this.onNotHere);
    this.bus.removeEventListener("reader", this.onReader);
    this.bus.removeEventListener("taps", this.onTaps);
    this.bus.removeEventListener("hold", this.onHold);
    this.bus.removeEventListener("wish-loupe", this.onLoupe);
    this.observer.disconnect();
    this.compare.dispose();
    this.renderer.dispose();
    this.section.replaceChildren();
  }

  wire() {
    const { parts, bus } = this;
    this.onView = ({ detail }) => this.setView(detail);
    this.onNotHere = () => { this.painting = null; this.draw(); }; // what was painted here is not shown again
    this.onReader = () => this.readAgain();
    this.onHold = ({ detail }) => this.setHeld(detail);
    this.onTaps = () => this.drawWithTaps();
    this.onPresent = ({ detail }) => this.section.classList.toggle("bd-present", Boolean(detail?.on));
    bus.addEventListener("view", this.onView);
    bus.addEventListener("present", this.onPresent);
    bus.addEventListener("not-here", this.onNotHere);
    bus.addEventListener("reader", this.onReader);
    bus.addEventListener("taps", this.onTaps);
    bus.addEventListener("hold", this.onHold);
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(parts.clean.frame);
    this.loupe = new Loupe([parts.clean, parts.blurred], (panel) => this.layers(panel));
    const compared = { ...parts, frame: parts.blurred.frame };
    this.compare = new Compare(this.section, compared, this.labels, {
      onMode: (mode) => bus.dispatchEvent(new CustomEvent("mode", { detail: { mode } })),
      onShow: () => { this.loupe.draw(); this.drawDiffering(); },
    });
    parts.loupe.onclick = () => this.setLoupe(!this.loupe.on);
    this.onLoupe = () => this.setLoupe(!this.loupe.on);
    bus.addEventListener("wish-loupe", this.onLoupe);
  }

  setLoupe(on) {
    this.loupe.turn(on);
    this.parts.loupe.setAttribute("aria-pressed", String(on));
    this.section.toggleAttribute("data-loupe", on);
  }

  async load(png, { view: firstView, face }) {
    const load = this.stop();
    this.setState("loading");
    let bitmap;
    try {
      await this.renderer.start();
      bitmap = await createImageBitmap(new Blob([png], { type: "image/png" }), {
        colorSpaceConversion: "none",
        premultiplyAlpha: "none",
      });
      if (bitmap.width !== bitmap.height) throw new RangeError("the picture is not square");
    } catch {
      if (load === this.loads) this.fail(this.labels.unreadable);
      return;
    }
    if (load !== this.loads) {
      bitmap.close();
      return;
    }
    this.renderer.setPicture(bitmap);
    this.face = face;
    this.bus.measurer = { face, measure: (...asked) => this.renderer.measureInIdleTime(...asked) };
    this.bus.pictures = () => this.pictures();
    this.parts.message.hidden = true;
    this.ready = true;
    this.view ??= checkedView(this.bus.view) ?? checkedView(firstView);
    if (this.view) this.draw();
    else this.rest = setTimeout(() => this.setView(STAGE_START), STAGE_PATIENCE_MS);
  }

  /** Ends all that is under way for the picture; returns the number of the next load. */
  stop() {
    this.ready = false;
    this.bus.measurer = this.bus.pictures = null;
    this.drawn = null;
    this.exact = null;
    this.painting = null;
    this.renderer.cancelExact();
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    clearTimeout(this.rest);
    return ++this.loads;
  }

  setView(detail) {
    const view = checkedView(detail);
    if (!view || JSON.stringify(view) === JSON.stringify(this.view)) return;
    this.view = view;
    this.exact = null;
    this.renderer.cancelExact();
    clearTimeout(this.rest);
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  /** Draws the view at display size, now, and has the exact picture follow. */
  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    if (!this.ready || !this.view || !this.fit()) return;
    const { view, drawn } = this;
    const start = performance.now();
    this.exact = null;
    if (drawn?.kernel !== view.kernel) this.drawClean(view);
    const size = Math.round(this.parts.clean.picture.width * this.pace.quality);
    this.renderer.drawPreview(this.blurredContext(size), view);
    this.show(view, "preview", start);
    this.pace.note(performance.now() - start);
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.rested(view), STAGE_REST_MS);
    if (this.renderer.draws(view)) this.drawExact();
  }

  /** The hand rests: what the server draws is waited for, and a picture that is late is called a preview. */
  rested(view) {
    if (!this.exact) this.say("preview");
    if (!this.renderer.draws(view)) this.drawExact();
  }

  /** A kernel came from the server: where it is that of the view, no picture of it will. */
  drawWithTaps() {
    if (!this.ready || !this.view || this.exact || !this.renderer.draws(this.view)) return;
    if (this.painting && !this.painting.here) {
      this.painting = null; // it waits for the server
      this.renderer.served.cancel();
    }
    this.draw();
  }

  /** Shows another picture in place of the changed one, as long as somebody holds it there. */
  setHeld(detail) {
    const view = checkedView(detail?.view);
    this.held = view && { ...detail, view };
    if (!this.ready || !this.drawn) return;
    if (this.held) this.drawHeld();
    else {
      delete this.section.dataset.held;
      if (this.exact) drawSquare(this.blurredContext(this.parts.clean.picture.width), this.exact);
      else this.draw();
      this.parts.blurred.name.textContent = nameView(this.view, this.labels);
      this.loupe.draw();
    }
  }

  /** Draws what is held over what was drawn. */
  drawHeld() {
    if (!this.held) return;
    const { view, family, text } = this.held;
    this.renderer.drawPreview(this.blurredContext(this.parts.clean.picture.width), view);
    this.section.dataset.held = family;
    this.parts.blurred.name.textContent = text;
    this.loupe.draw();
  }

  async drawExact() {
    const { view, loads } = this;
    const start = performance.now();
    const painted = await this.paintExact();
    const exact = await painted?.canvas();
    if (!exact || view !== this.view || loads !== this.loads) return;
    this.exact = exact;
    drawSquare(this.blurredContext(this.parts.clean.picture.width), this.exact);
    this.show(view, "exact", start);
  }

  /** The exact picture of the view now; whoever asks while it is painted gets the same. */
  paintExact() {
    const { view } = this;
    if (this.painting?.view !== view) {
      this.painting = { view, here: this.renderer.draws(view), promise: this.paintAndTell(view) };
    }
    return this.painting.promise;
  }

  async paintAndTell(view) {
    const { face, loads } = this;
    const reader = readerNow();
    const painted = await this.renderer.paintExact(view, reader, () => view === this.view && loads === this.loads);
    const key = reader?.key ?? null;
    if (painted?.values && loads === this.loads) this.tell({ face, view, key, values: painted.values });
    return painted;
  }

  /** There is a recogniser here now, or another: the numbers of what is shown are wanted once more. */
  readAgain() {
    this.painting = null;
    if (!this.ready || !this.view || !readerNow()) return;
    if (this.exact) this.paintExact();
    else this.drawExact(); // what was being painted may have been overtaken by this
  }

  /** Numbers for a view, whether or not the hand has gone on. */
  tell(numbers) {
    this.bus.numbers = numbers;
    this.bus.dispatchEvent(new Event("numbers"));
  }

  /** The blurred canvas at a size; it fills its frame at any. */
  blurredContext(size) {
    const { picture } = this.parts.blurred;
    if (picture.width !== size) picture.width = picture.height = size;
    return picture.getContext("2d");
  }

  drawClean(view) {
    drawSquare(this.parts.clean.picture.getContext("2d"), this.renderer.clean(view.kernel));
  }

  /** Says on the page, and to whoever listens, what is on screen now. */
  show(view, state, start) {
    const { parts, labels } = this;
    const kernel = this.renderer.kernelFor(view);
    if (state === "preview") {
      parts.inset.hidden = !kernel;
      if (kernel) drawKernel(parts.inset, kernel);
      parts.inset.title = kernel ? describeKernel(kernel) : KERNELS[view.kernel].says;
      parts.inset.setAttribute("aria-label", parts.inset.title);
      parts.blurred.name.textContent = nameView(view, labels);
      parts.insetText.textContent = view.degree ? `${view.degree} px` : "no blur";
    } else {
      const text = `${labels.blurred}: ${KERNELS[view.kernel].label}, ${describeView(view)}`;
      parts.blurred.picture.setAttribute("aria-label", text);
    }
    this.drawn = view;
    this.section.dataset.view = JSON.stringify(view);
    this.markState(state);
    if (state === "exact") this.say("exact");
    else if (!this.renderer.draws(view)) this.say(whyNotHere() ? "preview" : "served");
    this.loupe.draw();
    this.paints += 1;
    this.drawDiffering();
    this.drawHeld();
    const detail = { view, exact: state === "exact", ms: performance.now() - start };
    this.bus.dispatchEvent(new CustomEvent("drawn", { detail }));
  }

  /** Where two pictures lie in one place, how far they differ is drawn beside them. */
  drawDiffering() {
    const { clean, blurred, differs } = this.parts;
    if (!this.drawn || this.compare?.mode === "side") return;
    if (blurred.picture.width !== clean.picture.width) return; // a preview of a slow machine: the exact one follows
    const differing = `${this.paints} ${getComputedStyle(differs.picture).color}`;
    if (differing === this.differing) return; // a divider that moves, or a flicker, changes no pixel
    this.differing = differing;
    drawDifferences(differs.picture, clean.picture, blurred.picture);
  }

  setState(state) {
    this.markState(state);
    this.say(state);
  }

  markState(state) {
    this.section.dataset.state = state;
    this.section.setAttribute("aria-busy", String(state === "loading"));
  }

  /** What the picture is, beneath it; also where it was drawn, if that is not here. */
  say(what) {
    const { status } = this.parts;
    const away = whyNotHere();
    const elsewhere = away && { preview: "unblurred", exact: "exactServed" }[what];
    status.textContent = this.labels[elsewhere || what] ?? "";
    status.title = elsewhere ? `${this.labels.away}: ${away}` : "";
    status.toggleAttribute("data-alert", what === "served");
    status.toggleAttribute("data-away", Boolean(elsewhere));
  }

  fail(message) {
    this.stop();
    this.mark = null;
    this.setState("error");
    this.parts.message.textContent = message;
    this.parts.message.hidden = false;
  }

  /** Gives the canvases as many pixels as the screen has for them; false while there is no room. */
  fit() {
    const { clean, inset } = this.parts;
    const ratio = window.devicePixelRatio || 1;
    // Asking has the whole page laid out anew; who changes the width tells resize().
    this.width ||= clean.frame.clientWidth;
    const shown = Math.round(this.width * ratio);
    const size = Math.min(shown, STAGE_LARGEST, this.renderer.size);
    if (size < 1) return false;
    if (clean.picture.width !== size) {
      clean.picture.width = clean.picture.height = size;
      inset.width = inset.height = Math.max(1, Math.round(inset.clientWidth * ratio));
      this.drawn = null; // a canvas that gets a size is empty
    }
    return true;
  }

  resize() {
    this.width = this.parts.clean.frame.clientWidth;
    if (!this.ready || !this.view || !this.fit() || this.drawn) return;
    if (!this.exact) {
      this.draw();
      return;
    }
    this.drawClean(this.view);
    drawSquare(this.blurredContext(this.parts.clean.picture.width), this.exact);
    const kernel = this.renderer.kernelFor(this.view);
    if (kernel) drawKernel(this.parts.inset, kernel);
    this.drawn = this.view;
    this.loupe.draw();
    this.paints += 1;
    this.drawDiffering();
    this.drawHeld();
  }

  /** What a panel shows, bottom to top, for the loupe. */
  layers(panel) {
    if (!this.drawn) return [];
    const { size } = this.renderer;
    const clean = { source: this.renderer.clean(this.drawn.kernel), from: 0, size };
    const blurred = { source: (!this.held && this.exact) || this.parts.blurred.picture, from: 0, size };
    const { mode, shown, split } = this.compare;
    if (mode === "side") return panel === 0 ? [clean] : [blurred];
    if (panel === 0) return []; // one lens is enough where both pictures lie in one place
    if (mode === "swipe") return [clean, { ...blurred, from: split / 100 }];
    return shown === "clean" ? [clean] : [blurred];
  }

  /** What is shown, at full size and exact: whoever asks while a hand moves gets where it ends. */
  async pictures() {
    for (let missed = 0; missed < STAGE_TRIES;) {
      if (!this.ready) return null;
      const { view, loads } = this;
      const painted = await this.paintExact();
      const changed = await painted?.canvas();
      if (view !== this.view || loads !== this.loads) continue; // then the new one is what is shown
      const { mode, split } = this.compare;
      if (changed) return { view, clean: this.renderer.clean(view.kernel), changed, name: nameView(view, this.labels), mode, split: split / 100 };
      this.painting = null;
      missed += 1;
    }
    return null;
  }
}

/** How pictures are looked at: on a phone one after the other, unless somebody asked for another way. */
function modeHere(mode) {
  return mode === "side" && matchMedia(PHONE).matches ? "flicker" : mode;
}

/**
 * Mounts the stage, or hands it new data: Streamlit calls this again whenever `data` changes.
 * @param {{data: Uint8Array, parentElement: ParentNode}} component
 * @returns {() => void} cleanup; that of a call which another call has followed does nothing
 */
export function mountStage({ data, parentElement: root }) {
  if (feedPicture(data)) return () => {}; // another part of the page draws the pictures
  const stage = (root.__blurdashStage ??= new Stage(root));
  const mount = ++stage.mounts;
  stage.update(data);
  return () => {
    if (root.__blurdashStage !== stage || stage.mounts !== mount) return;
    delete root.__blurdashStage;
    stage.dispose();
  };
}
