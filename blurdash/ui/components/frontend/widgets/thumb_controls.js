// @module thumb controls: one slider at a time, within reach of a thumb, with the choice of it beneath. Style
// sheets show it on phones, in place of the rows of the desk.

import { Slider, spoken } from "./slider.js";
import { setText, shown } from "./texts.js";

/** The sliders of a phone. */
export class ThumbControls {
  /**
   * @param {object[]} rows of ROWS.sliders
   * @param {string} first name of the slider that is there first
   * @param {(change: object) => void} moved called with what a thumb moves
   */
  constructor(rows, first, moved) {
    Object.assign(this, { rows, moved });
    this.box = Object.assign(document.createElement("div"), { className: "bd-thumb" });
    const line = Object.assign(document.createElement("div"), { className: "bd-thumb-line" });
    this.sliders = Object.fromEntries(rows.map((row) => [row.name, new Slider(row, "bt", (value) => moved({ [row.name]: value }))]));
    line.append(this.buildStep("−", -1), ...rows.flatMap(({ name }) => [this.sliders[name].label, this.sliders[name].range]), this.buildStep("+", 1));
    this.choice = Object.assign(document.createElement("div"), { className: "bd-thumb-choice" });
    this.choice.setAttribute("role", "radiogroup");
    this.choice.setAttribute("aria-label", "Which slider");
    this.choices = Object.fromEntries(rows.map((row) => [row.name, this.buildChoice(row)]));
    this.choice.append(...Object.values(this.choices).map(({ button }) => button));
    this.box.append(line, this.choice);
    this.choose(first);
  }

  buildStep(text, sign) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "bd-btn", textContent: text });
    button.setAttribute("aria-label", sign > 0 ? "More" : "Less");
    button.onclick = () => {
      const { row, value } = this.sliders[this.chosen];
      this.moved({ [row.name]: value + sign * row.step });
    };
    return button;
  }

  buildChoice(row) {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.setAttribute("role", "radio");
    const [name, value] = [document.createElement("span"), document.createElement("b")];
    name.textContent = row.label;
    button.append(name, value);
    button.onclick = () => this.choose(row.name);
    return { button, value };
  }

  choose(name) {
    this.chosen = name;
    for (const row of this.rows) {
      const { label, range } = this.sliders[row.name];
      label.hidden = true; // the choice beneath says it
      range.hidden = row.name !== name;
      range.setAttribute("aria-label", row.label);
      this.choices[row.name].button.setAttribute("aria-checked", String(row.name === name));
    }
  }

  /** Shows where the sliders are. */
  show(view) {
    for (const row of this.rows) {
      const value = view[row.name];
      this.sliders[row.name].show(value, spoken(row, value), 0);
      setText(this.choices[row.name].value, `${shown(value)} ${row.unit}`);
    }
  }
}
