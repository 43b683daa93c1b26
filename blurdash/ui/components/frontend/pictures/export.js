// @module export: the picture of what is shown, as a PNG file.

import { scratchCanvas } from "./canvases.js";

const EXPORT_GAP = 24;
const EXPORT_STRIP = 56; // for the captions
const EXPORT_FONT = "28px sans-serif";
const EXPORT_PAPER = "#ffffff";
const EXPORT_INK = "#31333f";

/** `blurdash_study_d0_a45_s8_0.png`: says what was done and nothing about whose picture it is. */
export function exportName({ kernel, degree, angle, shift_x: right, shift_y: down }) {
  const moved = right || down ? `_s${right}_${down}` : "";
  return `blurdash_${kernel}_d${degree}_a${angle}${moved}.png`;
}

/**
 * Composes what a mode shows, at full size.
 * @param {string} mode side, swipe or flicker (then the blurred picture alone)
 * @param {CanvasImageSource} clean
 * @param {HTMLCanvasElement} blurred
 * @param {number} split share of the width, 0..1, that swipe shows clean
 * @param {string[]} captions of clean and blurred
 * @returns {HTMLCanvasElement}
 */
export function composeExport(mode, clean, blurred, split, captions) {
  const size = blurred.width;
  const canvas = scratchCanvas(size);
  if (mode === "side") {
    canvas.width = 2 * size + EXPORT_GAP;
    canvas.height = size + EXPORT_STRIP;
  }
  const context = canvas.getContext("2d");
  if (mode === "side") {
    context.fillStyle = EXPORT_PAPER;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = EXPORT_INK;
    context.font = EXPORT_FONT;
    context.textBaseline = "middle";
    [clean, blurred].forEach((picture, index) => {
      const left = index * (size + EXPORT_GAP);
      context.drawImage(picture, left, 0);
      context.fillText(captions[index], left + 4, size + EXPORT_STRIP / 2, size - 8);
    });
    return canvas;
  }
  context.drawImage(blurred, 0, 0);
  if (mode === "swipe") {
    const edge = Math.round(split * size);
    if (edge > 0) context.drawImage(clean, 0, 0, edge, size, 0, 0, edge, size);
    context.fillStyle = EXPORT_PAPER;
    context.fillRect(edge - 1, 0, 2, size);
  }
  return canvas;
}

/** Hands a canvas to the browser's download as a PNG file. */
export async function downloadCanvas(canvas, name) {
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("the browser could not write the picture");
  downloadBlob(blob, name);
}

/** Hands a file to the browser's download. */
export function downloadBlob(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
