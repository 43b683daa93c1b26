// @module slider: a slider, its keys, and where numbers lie in its range.

import { shown } from "./texts.js";

/** Positions by name, some of them moved: each is held inside of its slider's range. */
export function moved(rows, values, change) {
  const result = { ...values };
  for (const { name, min, max } of rows) {
    if (change[name] === undefined) continue;
    // Steps that were added up leave something in the last places.
    result[name] = Number(Math.min(max, Math.max(min, Number(change[name]))).toFixed(9));
  }
  return result;
}

/**
 * What somebody wrote into a slider's field.
 * @returns {{value: number, problem: string}} a number of its range, or why it is none
 */
export function entered({ label, min, max, step }, text) {
  const plain = text.trim().replace(",", ".").replace("−", "-");
  const value = Number(plain);
  const fits = plain !== "" && value >= min && value <= max && (step !== 1 || Number.isInteger(value));
  return { value, problem: fits ? "" : `${label}: a ${step === 1 ? "whole " : ""}number from ${min} to ${max}` };
}

/** How far a key moves a slider; 0 where that is left to the browser (which may move by a tenth). */
export function stepOf({ page }, key) {
  return { PageUp: page, PageDown: -page }[key] ?? 0;
}

/** Both ends of a track's filled part, in percent: from where nothing is done to where the value is. */
export function filled({ min, max }, value, nothing) {
  const share = (at) => (100 * (at - min)) / (max - min);
  return [nothing, value].map(share).sort((one, other) => one - other);
}

/** What a screen reader says of where a slider is. */
export function spoken({ unit }, value) {
  return `${shown(value)} ${unit === "px" ? "pixels" : "degrees"}`;
}

/** A slider with its label. */
export class Slider {
  /**
   * @param {object} row of ROWS.sliders
   * @param {string} prefix of its id on the page
   * @param {(value: number) => void} chosen called with where a hand moves it
   * @param {() => void} touched called when a key does
   */
  constructor(row, prefix, chosen, touched = () => {}) {
    Object.assign(this, { row, chosen, touched, value: row.min });
    const holder = document.createElement("template");
    holder.innerHTML = `<label for="${prefix}-${row.name}" title="${row.hint}">${row.label}</label>
      <input id="${prefix}-${row.name}" type="range" min="${row.min}" max="${row.max}" step="${row.step}">`;
    [this.label, this.range] = holder.content.children;
    this.range.oninput = () => chosen(Number(this.range.value));
    this.range.onkeydown = (event) => this.key(event);
  }

  key(event) {
    const step = stepOf(this.row, event.key);
    if (step || event.key.startsWith("Arrow")) this.touched();
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    this.chosen(this.value + step);
  }

  /** Shows a value; `spoken` is what a screen reader says of it, `nothing` where nothing is done. */
  show(value, spoken, nothing) {
    this.value = value;
    if (Number(this.range.value) !== value) this.range.value = value;
    this.range.setAttribute("aria-valuetext", spoken);
    const [from, to] = filled(this.row, value, nothing);
    this.range.style.setProperty("--bd-from", `${from}%`);
    this.range.style.setProperty("--bd-fill", `${to}%`);
  }
}
