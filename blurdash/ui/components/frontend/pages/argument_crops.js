// @module argument crops: where the recogniser looks in each of the two pictures, as a dashed line that lies on them.

import { shape } from "../widgets/frame.js";
import { textElement } from "../widgets/texts.js";

/** The crops of one page. */
export class CropBoxes {
  /** @param {HTMLElement[]} figures of the two pictures, in the order of the data */
  constructor(figures) {
    this.boxes = figures.map((figure) => {
      const box = textElement("div", "ba-crop", "");
      figure.append(box);
      return box;
    });
    this.shown = "[]";
  }

  /**
   * Lays them on the pictures.
   * @param {object[]} places of each picture `corners`, as shares of its side, none where no face is found, and what
   *   it `says`; empty for no boxes
   */
  show(places) {
    const text = JSON.stringify(places);
    if (text === this.shown) return;
    this.shown = text;
    this.boxes.forEach((box, i) => box.replaceChildren(...(places[i] ? buildBox(places[i]) : [])));
  }
}

function buildBox({ corners, says }) {
  const label = textElement("span", "", says);
  const foot = Math.max(0, ...corners.map(([, y]) => y));
  const left = Math.min(1, ...corners.map(([x]) => x));
  label.style.top = `${100 * (corners.length ? Math.min(foot, 0.93) : 0.93)}%`;
  label.style.left = `${100 * (corners.length ? Math.max(left, 0) : 0.02)}%`;
  if (!corners.length) return [label];
  const drawing = shape("svg", "", { viewBox: "0 0 1000 1000", "aria-hidden": "true" });
  const points = corners.map((corner) => corner.map((share) => (1000 * share).toFixed(1)).join()).join(" ");
  drawing.append(shape("polygon", "ba-crop-under", { points }), shape("polygon", "", { points }));
  return [drawing, label];
}
