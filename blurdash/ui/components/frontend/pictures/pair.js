// @module pair: two changed pictures of one face, side by side, drawn while a hand moves.
//
// A picture is either blurred by a kernel, or sharp and disturbed: moved, turned, scaled, brighter,
// noisy. The blurred one is drawn by the renderer and made exact at rest. The sharp one is drawn by
// the browser's own canvas; numbers never come from it.

import { bus } from "../bus.js";
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
    bus.picture = { mark, png: fed.png };
    bus.dispatchEvent(new Event("picture"));
  }
  return true;
}

/** Draws two specs into two canvases. */
export class Pair {
  /** @param {HTMLCanvasElement[]} canvases left and right, each as wide as its frame */
  constructor(canvases) {
    this.bus = bus;
    this.canvases = canvases;
    this.renderer = new Renderer();
    this.specs = null;
    this.mark = null;
    this.ready = false;
    this.frame = 0;
    this.rest = 0;
    this.turn = 0;
    this.onPicture = () => this.load();
    this.onNotHere = () => this.drawSoon();
    this.bus.addEventListener("picture", this.onPicture);
    this.bus.addEventListener("not-here", this.onNotHere);
    this.observer = new ResizeObserver(() => this.drawSoon());
    for (const canvas of canvases) this.observer.observe(canvas.parentElement);
    this.load();
  }

  async load() {
    const { picture } = this.bus;
    if (!picture || picture.mark === this.mark) return;
    this.mark = picture.mark;
    this.ready = false;
    this.setState("loading");
    await this.renderer.start();
    const bitmap = await createImageBitmap(new Blob([picture.png], { type: "image/png" }), {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
    });
    if (this.mark !== picture.mark || this.gone) { bitmap.close(); return; }
    this.renderer.setPicture(bitmap);
    this.ready = true;
    this.drawSoon();
  }

  /** Shows two specs; the same again changes nothing. */
  show(specs) {
    const text = JSON.stringify(specs);
    if (text === this.text) return;
    this.text = text;
    this.specs = specs;
    this.drawSoon();
  }

  drawSoon() {
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.turn += 1;
    this.renderer.cancelExact();
    clearTimeout(this.rest);
    if (!this.ready || !this.specs) return;
    for (const [i, canvas] of this.canvases.entries()) {
      if (!this.fit(canvas)) return;
      this.drawOne(canvas.getContext("2d"), this.specs[i]);
    }
    this.setState("preview");
    this.rest = setTimeout(() => this.drawExact(this.turn), PAIR_REST_MS);
  }

  drawOne(context, spec) {
    const { canvas } = context;
    delete canvas.dataset.served;
    if (spec.degree === undefined) {
      drawDisturbed(context, this.renderer.clean(spec.kernel), spec);
      return;
    }
    const view = checkedView(spec);
    if (!this.renderer.draws(view)) canvas.dataset.served = "";
    this.renderer.drawPreview(context, view);
  }

  /** Blurred pictures at full size, one after the other: the painter has one at a time. */
  async drawExact(turn) {
    const shown = JSON.stringify(this.specs);
    for (const [i, canvas] of this.canvases.entries()) {
      const spec = this.specs[i];
      if (spec.degree === undefined) continue;
      const exact = await this.renderer.paintExact(checkedView(spec));
      if (!exact || turn !== this.turn || this.gone) return;
      drawSquare(canvas.getContext("2d"), exact.canvas());
    }
    this.setState("exact");
    this.canvases[0].dataset.shown = shown;
  }

  setState(state) {
    for (const canvas of this.canvases) canvas.dataset.state = state;
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
    this.bus.removeEventListener("picture", this.onPicture);
    this.bus.removeEventListener("not-here", this.onNotHere);
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.rest);
    this.renderer.dispose();
  }
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
