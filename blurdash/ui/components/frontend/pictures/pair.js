// @module pair: two changed pictures of one face, side by side, drawn and measured while a hand moves.
//
// A picture is either blurred by a kernel, or sharp and disturbed: moved, turned, scaled, brighter,
// noisy. What the core can do is drawn and measured by it (renderer.js). A sharp picture that it cannot do
// is drawn by the browser's own canvas: numbers never come from that.

import { bus } from "../bus.js";
import { readerNow } from "../wasm/reader.js";
import { drawSquare } from "./canvases.js";
import { Renderer } from "./renderer.js";
import { fingerprint, unpackStage } from "./stage_view.js";
import { checkedView } from "./views.js";

const PAIR_REST_MS = 200;
const PAIR_LARGEST = 1024;

/**
 * Takes the clean face that the server sends once, for whoever draws it.
 * @returns {boolean} whether the data is such a feed, and not a stage's own
 */
export function feedPicture(data) {
  let fed;
  try {
    fed = unpackStage(data);
  } catch {
    return false; // the stage says so
  }
  if (fed.header.kind !== "feed") return false;
  const mark = fingerprint(fed.png);
  if (bus.picture?.mark !== mark) {
    bus.picture = { mark, face: fed.header.face, png: fed.png };
    bus.dispatchEvent(new Event("picture"));
  }
  return true;
}

/** Draws two specs into two canvases, and has their numbers found. */
export class Pair {
  /**
   * @param {HTMLCanvasElement[]} canvases left and right, each as wide as its frame
   * @param {(found: {specs: object[], values: object[], key: string|null}) => void} onNumbers called with the
   *   numbers of two specs, by measure, and the key of the settings that the embedding's are of
   */
  constructor(canvases, onNumbers) {
    this.bus = bus;
    this.canvases = canvases;
    this.onNumbers = onNumbers;
    this.renderer = new Renderer();
    this.specs = null;
    this.mark = null;
    this.ready = false;
    this.frame = 0;
    this.rest = 0;
    this.turn = 0;
    this.drawn = ["", ""]; // what is on each canvas, at which size
    this.made = [null, null]; // the last that the core made of each
    this.making = new Set(); // what the core has in hand
    this.onPicture = () => this.load();
    this.onNotHere = () => { this.forget(); this.drawSoon(); };
    this.onReader = () => this.follow();
    this.onTaps = () => { this.drawn = ["", ""]; this.drawSoon(); };
    this.bus.addEventListener("picture", this.onPicture);
    this.bus.addEventListener("not-here", this.onNotHere);
    this.bus.addEventListener("reader", this.onReader);
    this.bus.addEventListener("taps", this.onTaps);
    this.observer = new ResizeObserver(() => this.drawSoon());
    for (const canvas of canvases) this.observer.observe(canvas.parentElement);
    this.load();
  }

  async load() {
    const { picture } = this.bus;
    if (!picture || picture.mark === this.mark) return;
    this.mark = picture.mark;
    this.ready = false;
    this.bus.measurer = null;
    this.setState("loading");
    await this.renderer.start();
    const bitmap = await createImageBitmap(new Blob([picture.png], { type: "image/png" }), {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
    });
    if (this.mark !== picture.mark || this.gone) { bitmap.close(); return; }
    this.renderer.setPicture(bitmap);
    this.bus.measurer = { face: picture.face, measure: (...asked) => this.renderer.measureInIdleTime(...asked) };
    this.forget();
    this.ready = true;
    this.drawSoon();
  }

  /** What was drawn and measured is of another picture, or not to be trusted. */
  forget() {
    this.drawn = ["", ""];
    this.made = [null, null];
  }

  /** Shows two specs; the same again changes nothing. */
  show(specs) {
    const text = JSON.stringify(specs);
    if (text === this.text) return;
    this.text = text;
    this.specs = specs;
    this.turn += 1; // what comes of the specs before is not of these
    for (const [i, canvas] of this.canvases.entries()) {
      if (nameOf(specs[i], canvas) !== this.drawn[i]) canvas.dataset.exact = "false";
    }
    this.drawSoon();
  }

  drawSoon() {
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.turn += 1;
    this.renderer.served.cancel();
    clearTimeout(this.rest);
    if (!this.ready || !this.specs) return;
    for (const [i, canvas] of this.canvases.entries()) {
      if (!this.fit(canvas)) return;
      this.drawOne(i);
    }
    this.sayState();
    this.rest = setTimeout(() => this.drawServed(this.turn), PAIR_REST_MS);
    this.follow();
  }

  /** A picture at the size of the display, where another one is on its canvas. */
  drawOne(i) {
    const [canvas, spec] = [this.canvases[i], this.specs[i]];
    const name = nameOf(spec, canvas);
    if (this.drawn[i] === name) return;
    this.drawn[i] = name;
    const context = canvas.getContext("2d");
    const view = viewOf(spec);
    const drawable = view !== null && this.renderer.draws(view);
    canvas.toggleAttribute("data-served", spec.degree !== undefined && !drawable);
    canvas.dataset.exact = String(spec.degree === undefined && !drawable); // no more is known of it
    if (this.isMade(i)) this.paint(i, this.made[i].canvas);
    else if (drawable || spec.degree !== undefined) this.renderer.drawPreview(context, view);
    else drawDisturbed(context, this.renderer.clean(spec.kernel), spec);
  }

  // ---- what the core makes ----

  /** Has the core make what is shown; what a hand has left meanwhile is skipped. */
  follow() {
    while (this.making.size < this.renderer.client.hands) {
      const i = this.nextToMake();
      if (i < 0) return;
      const text = this.textOf(this.specs[i]);
      this.making.add(text);
      this.make(i, text).finally(() => {
        this.making.delete(text);
        this.follow();
      });
    }
  }

  /** Which of both is to be made next; below 0 for none. */
  nextToMake() {
    if (!this.ready || !this.specs || this.gone) return -1;
    return this.specs.findIndex((spec, i) => {
      const view = viewOf(spec);
      return view !== null && this.renderer.draws(view) && !this.isMade(i) && !this.making.has(this.textOf(spec));
    });
  }

  isMade(i) {
    return this.made[i]?.text === this.textOf(this.specs[i]) && Boolean(this.made[i].canvas);
  }

  /** What a made picture is of: a spec, and who reads it out. */
  textOf(spec) {
    return JSON.stringify([spec, readerNow()?.key ?? null]);
  }

  async make(i, text) {
    const { mark } = this;
    const [spec, reader] = [this.specs[i], readerNow()];
    const found = await this.renderer.drawnHere(viewOf(spec), reader, () => this.textOf(this.specs[i]) === text, i);
    if (!found || this.gone || mark !== this.mark || !this.ready) return;
    const made = { text, spec, values: found.values, key: reader?.key ?? null, canvas: null };
    this.made[i] = made;
    this.tell();
    made.canvas = await found.canvas();
    if (this.made[i] === made && this.isMade(i)) this.paint(i, made.canvas);
    this.sayState();
  }

  /** Says the numbers that both pictures have. */
  tell() {
    const [left, right] = this.made;
    if (!left || !right || left.key !== right.key) return;
    this.onNumbers({ specs: [left.spec, right.spec], values: [left.values, right.values], key: left.key });
  }

  paint(i, exact) {
    const canvas = this.canvases[i];
    drawSquare(canvas.getContext("2d"), exact);
    this.drawn[i] = nameOf(this.specs[i], canvas);
    canvas.dataset.exact = "true";
  }

  // ---- what the server makes ----

  /** What only the server can draw, once the hand rests: one after the other. */
  async drawServed(turn) {
    for (const [i, spec] of this.specs.entries()) {
      if (spec.degree === undefined || this.renderer.draws(viewOf(spec))) continue;
      const served = await this.renderer.drawnByServer(viewOf(spec));
      const canvas = await served?.canvas();
      if (!canvas || turn !== this.turn || this.gone) return;
      this.paint(i, canvas);
    }
    this.sayState();
  }

  setState(state) {
    for (const canvas of this.canvases) canvas.dataset.state = state;
  }

  /** Exact, once both are. */
  sayState() {
    if (!this.ready) return;
    const exact = this.canvases.every(({ dataset }) => dataset.exact === "true");
    this.setState(exact ? "exact" : "preview");
    if (exact) this.canvases[0].dataset.shown = JSON.stringify(this.specs);
  }

  /** As many pixels as the screen has for the canvas; false while there is no room. */
  fit(canvas) {
    const shown = Math.round(canvas.parentElement.clientWidth * (window.devicePixelRatio || 1));
    const size = Math.min(shown, PAIR_LARGEST);
    if (size < 1) return false;
    if (canvas.width !== size) canvas.width = canvas.height = size;
    return true;
  }

  dispose() {
    this.gone = true;
    this.bus.measurer = null;
    this.bus.removeEventListener("picture", this.onPicture);
    this.bus.removeEventListener("not-here", this.onNotHere);
    this.bus.removeEventListener("reader", this.onReader);
    this.bus.removeEventListener("taps", this.onTaps);
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.rest);
    this.renderer.dispose();
  }
}

/** What is on a canvas: of which spec, at which size. */
function nameOf(spec, { width }) {
  return `${width} ${JSON.stringify(spec)}`;
}

/** A spec as a view that the core may know; null for a sharp picture that only a canvas can draw. */
function viewOf(spec) {
  if (spec.degree !== undefined) return checkedView(spec);
  const { kernel, x, y, rotation, scale, gain, noise } = spec;
  if (rotation || scale !== 1 || noise) return null;
  return checkedView({ kernel, degree: 0, angle: 0, shift_x: x, shift_y: y, gain });
}

/** A sharp picture, moved about its centre, mirrored beyond its border, in other light, noisy. */
function drawDisturbed(context, clean, spec) {
  const size = context.canvas.width;
  const scale = size / clean.width;
  context.save();
  context.imageSmoothingQuality = "high";
  context.filter = spec.gain === 1 ? "none" : `brightness(${spec.gain})`;
  context.translate(size / 2 + spec.x * scale, size / 2 + spec.y * scale);
  context.rotate((-spec.rotation * Math.PI) / 180); // counter-clockwise as displayed
  context.scale(spec.scale, spec.scale);
  context.translate(-size / 2, -size / 2);
  for (const [across, down] of [[-1, -1], [1, -1], [-1, 1], [1, 1], [-1, 0], [1, 0], [0, -1], [0, 1], [0, 0]]) {
    context.save();
    context.translate(across * size + (across ? size : 0), down * size + (down ? size : 0));
    context.scale(across ? -1 : 1, down ? -1 : 1);
    context.drawImage(clean, 0, 0, size, size);
    context.restore();
  }
  context.restore();
  if (spec.noise) addNoise(context, spec.noise * scale);
}

const NOISE_SEED = 20261125;
let pairNoise = null; // {size, values}: the same noise at every strength

/** Gaussian noise; weaker in a smaller picture, as shrinking averages it. */
function addNoise(context, strength) {
  const size = context.canvas.width;
  if (pairNoise?.size !== size) pairNoise = { size, values: gaussianNoise(3 * size * size) };
  const image = context.getImageData(0, 0, size, size);
  const { data } = image;
  for (let from = 0, to = 0; from < pairNoise.values.length; from += 3, to += 4) {
    data[to] += strength * pairNoise.values[from];
    data[to + 1] += strength * pairNoise.values[from + 1];
    data[to + 2] += strength * pairNoise.values[from + 2];
  }
  context.putImageData(image, 0, 0);
}

function gaussianNoise(count) {
  const values = new Float32Array(count);
  let state = NOISE_SEED;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 4294967296;
  };
  for (let i = 0; i < count; i++) {
    values[i] = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  }
  return values;
}
