// @module argument maps: maps of where numbers come from, as ink on the two pictures, and the switch between them.

import { textElement } from "../widgets/texts.js";

// The map that lies on the pictures when a press has come.
const MAPS_AT = { pixels: ["Squared error", "SSIM"], embedding: [null, "Occlusion", null] };

/** The maps of one page. */
export class PictureMaps {
  /**
   * @param {HTMLElement[]} figures of the two pictures, in the order of the data
   * @param {HTMLElement} place of the switch
   * @param {object} page
   * @param {() => object|undefined} page.panel what the server says of maps
   * @param {() => boolean} page.isFresh whether that is of where the sliders are
   * @param {() => string} page.scene
   * @param {() => number} page.step how many presses have come inside the scene
   * @param {(i: number) => string} page.letterOf what a picture is called
   */
  constructor(figures, place, page) {
    Object.assign(this, { figures, place, page });
    this.rows = []; // the last ones that came
    this.drawn = ""; // what the switch shows
    this.reset();
  }

  /** Another press: its own map is shown, until somebody chooses. */
  reset() {
    this.chosen = undefined;
  }

  show(title) {
    this.chosen = title;
    this.paint();
  }

  /** Puts a map on the pictures, or takes it away. */
  toggle() {
    this.show(this.title() === null ? this.ofPress() ?? this.rows[0]?.title ?? null : null);
  }

  title() {
    return this.chosen === undefined ? this.ofPress() : this.chosen;
  }

  ofPress() {
    return MAPS_AT[this.page.scene()]?.[this.page.step()] ?? null;
  }

  /** Lays the map on the pictures it belongs to; none of another place. */
  paint() {
    const { page } = this;
    const panel = page.panel();
    if (panel && !panel.keep) this.rows = panel.rows;
    const rows = panel ? this.rows.filter(({ title }) => title !== "SSIM" || page.step() > 0) : []; // its press comes
    const row = panel && !panel.keep && page.isFresh() ? rows.find(({ title }) => title === this.title()) : null;
    this.figures.forEach((figure, i) => this.cover(figure, i, row));
    this.paintSwitch(rows, row);
  }

  cover(figure, i, row) {
    const over = figure.querySelector(".ba-over");
    const picture = row?.pictures[i];
    const mask = picture?.url ? `url("${picture.url}")` : "";
    over.hidden = !mask;
    figure.toggleAttribute("data-mapped", Boolean(mask));
    if (over.style.maskImage !== mask) over.style.maskImage = over.style.webkitMaskImage = mask;
    over.dataset.family = row?.family ?? "";
    over.setAttribute("aria-label", row ? `${row.title}: ${picture?.text ?? ""}` : "");
    const more = mask ? [textElement("small", "", `${row.title}, ${picture.text}`)] : [];
    figure.querySelector(".ba-tag").replaceChildren(this.page.letterOf(i), ...more);
  }

  paintSwitch(rows, row) {
    const title = this.title();
    const names = rows.some(({ pictures }) => pictures.some(Boolean)) ? rows.map((one) => one.title) : [];
    const drawn = JSON.stringify([names, title, row?.note ?? "", row?.family ?? ""]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const plain = this.buildButton("Picture", "The pictures themselves (key M)", !names.includes(title), null);
    const buttons = rows.map(({ title: name, note }) => this.buildButton(name, `${note} (key M)`, name === title, name));
    this.place.replaceChildren(...(names.length ? [plain, ...buttons] : []), ...(row ? buildScale(row) : []));
  }

  buildButton(text, hint, pressed, title) {
    const button = textElement("button", "bd-btn", text);
    button.type = "button";
    button.title = hint;
    button.setAttribute("aria-pressed", String(pressed));
    button.onclick = () => this.show(title);
    return button;
  }
}

function buildScale({ family, note }) {
  const ink = textElement("span", "ba-ink", "");
  ink.ariaHidden = "true";
  ink.dataset.family = family;
  return [ink, textElement("small", "", note)];
}
