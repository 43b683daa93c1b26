// @module loupe: a round magnifier under the pointer, at the same place on both pictures; and the
// small drawing of the kernel.

import { scratchCanvas } from "./canvases.js";
import { audit } from "./kernels.js";

const LOUPE_ZOOM = 3; // times the size on screen…
const LOUPE_LEAST_PIXEL = 2; // …but a picture's pixel is never drawn smaller than this, screen px
const LOUPE_SHARE = 0.34; // diameter as a share of the panel's side
const INSET_MARGIN = 1; // empty taps around the drawn kernel

/** Magnifies what lies under the pointer on one panel, and the same place on the other. */
export class Loupe {
  /**
   * @param {{frame: HTMLElement, lens: HTMLCanvasElement}[]} panels the clean one first
   * @param {(panel: number) => CanvasImageSource[]} layers what a panel shows, bottom to top, as
   *   {source, from}: `from` is the share of the width at which the layer begins
   */
  constructor(panels, layers) {
    Object.assign(this, { panels, layers });
    this.at = null;
    this.on = false;
    for (const { frame } of panels) {
      frame.onpointermove = (event) => this.follow(event, frame);
      frame.onpointerdown = (event) => this.follow(event, frame);
      frame.onpointerleave = () => this.hide();
      frame.onpointercancel = () => this.hide();
    }
  }

  /** Whether it enlarges what is under the pointer. */
  turn(on) {
    this.on = on;
    this.draw();
  }

  follow(event, frame) {
    const box = frame.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    const onPicture = x >= 0 && x <= 1 && y >= 0 && y <= 1;
    const onDivider = event.target.getAttribute("role") === "slider";
    this.at = onPicture && !onDivider ? [x, y] : null;
    this.draw();
  }

  hide() {
    this.at = null;
    this.draw();
  }

  /** Draws both lenses anew; call it when the pictures changed. */
  draw() {
    this.panels.forEach(({ frame, lens }, index) => {
      const layers = this.on && this.at ? this.layers(index) : [];
      lens.hidden = !layers.length;
      if (layers.length) this.drawLens(frame, lens, layers);
    });
  }

  drawLens(frame, lens, layers) {
    const side = frame.clientWidth;
    const ratio = window.devicePixelRatio || 1;
    const diameter = Math.round(side * LOUPE_SHARE);
    const [x, y] = this.at;
    lens.style.width = lens.style.height = `${diameter}px`;
    lens.style.transform = `translate(${x * side - diameter / 2}px, ${y * side - diameter / 2}px)`;
    const pixels = Math.round(diameter * ratio);
    if (lens.width !== pixels) lens.width = lens.height = pixels;
    const context = lens.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.clearRect(0, 0, pixels, pixels);
    for (const { source, from, size } of layers) {
      const zoom = Math.max(LOUPE_LEAST_PIXEL, Math.round((LOUPE_ZOOM * side * ratio) / size));
      // A source may be smaller than the picture it stands for (a preview).
      const step = (zoom * size) / source.width;
      const [left, top] = [x, y].map((place) => pixels / 2 - place * size * zoom);
      context.save();
      context.beginPath();
      context.rect(left + from * size * zoom, 0, size * zoom, pixels);
      context.clip();
      context.drawImage(source, left, top, source.width * step, source.width * step);
      context.restore();
    }
  }
}

/** Draws a kernel's taps as pixels, brightest where heaviest, as large as the canvas allows. */
export function drawKernel(canvas, { taps }) {
  let [reach, heaviest] = [0, 0];
  for (let i = 0; i < taps.length; i += 3) {
    reach = Math.max(reach, Math.abs(taps[i]), Math.abs(taps[i + 1]));
    heaviest = Math.max(heaviest, taps[i + 2]);
  }
  const cells = 2 * (reach + INSET_MARGIN) + 1;
  const small = scratchCanvas(cells);
  const image = new ImageData(cells, cells);
  for (let i = 0; i < taps.length; i += 3) {
    const at = (taps[i + 1] + reach + INSET_MARGIN) * cells + taps[i] + reach + INSET_MARGIN;
    // A square root lifts the faint taps at the rim out of the dark.
    image.data.set([255, 255, 255, 255 * Math.sqrt(taps[i + 2] / heaviest)], 4 * at);
  }
  small.getContext("2d").putImageData(image, 0, 0);
  // Whole screen pixels to a tap where there is room, so that equal taps look equal.
  const room = canvas.width;
  const side = room >= cells ? cells * Math.floor(room / cells) : room;
  const corner = Math.floor((room - side) / 2);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = side < cells;
  context.clearRect(0, 0, room, room);
  context.drawImage(small, corner, corner, side, side);
}

/** What a person reads about a kernel, from its audit. */
export function describeKernel(kernel) {
  const { mass, length, direction, offset } = audit(kernel);
  if (Number.isNaN(length)) return "an empty kernel: it leaves no light";
  const parts = [`mass ${mass.toFixed(2)}`, `length ${length.toFixed(1)} px`];
  if (!Number.isNaN(direction)) parts.push(`direction ${direction.toFixed(1)}°`);
  parts.push(`centre off by ${offset.toFixed(2)} px`);
  return parts.join(", ");
}
