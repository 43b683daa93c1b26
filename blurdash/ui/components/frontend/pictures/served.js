// @module served: what the server sends of kernels that are not made here: their taps, or a picture.
//
// Pictures come once the hand rests, over the page-wide bus; whoever wants one waits for it. A few are
// kept, those of another face or setting are not.

import { bus } from "../bus.js";
import { scratchCanvas } from "./canvases.js";
import { unpackStage } from "./stage_view.js";
import { keepTaps } from "./taps.js";

const SERVED_KEPT = 4;

/** Takes taps or a picture from the server; the header says of what. */
export async function takeServed(component) {
  const { header, png } = unpackStage(component.data);
  if (header.places) {
    keepTaps(header, png);
    return;
  }
  const key = servedKey(header.key, header.view);
  if (bus.served?.has(key)) {
    bus.dispatchEvent(new Event("served")); // somebody may have begun to wait before the scene was told
    return;
  }
  const bitmap = await createImageBitmap(new Blob([png], { type: "image/png" }), {
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
  });
  const canvas = scratchCanvas(bitmap.width);
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  if (bus.scene !== undefined && bus.scene !== header.key) return; // of what was shown before
  bus.served = new Map([...(bus.served ?? []), [key, canvas]].slice(-SERVED_KEPT));
  bus.dispatchEvent(new Event("served"));
}

/** What a picture is of: face and settings, and what was done to it. */
function servedKey(scene, { kernel, degree, angle, shift_x, shift_y }) {
  return JSON.stringify([scene, kernel, degree, angle, shift_x, shift_y]);
}

/** Waits for one picture of the server's at a time. */
export class ServedPicture {
  constructor() {
    this.bus = bus;
    this.look = () => this.hand();
    this.wanted = null;
  }

  /** @returns {Promise<HTMLCanvasElement|null>} the picture of a view, or null when overtaken */
  of(view) {
    this.cancel();
    return new Promise((resolve) => {
      this.wanted = { view, resolve };
      this.bus.addEventListener("served", this.look);
      this.hand();
    });
  }

  hand() {
    const found = this.wanted && this.bus.served?.get(servedKey(this.bus.scene, this.wanted.view));
    if (found) this.settle(found);
  }

  cancel() {
    if (this.wanted) this.settle(null);
  }

  settle(picture) {
    this.bus.removeEventListener("served", this.look);
    const { resolve } = this.wanted;
    this.wanted = null;
    resolve(picture);
  }
}
