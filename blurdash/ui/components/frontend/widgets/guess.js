// @module guess: before anything is told, one may say how blurred PSNR thinks the picture is. It is part of the
// page, not over it: whatever else is touched ends it, and does what it always does.

import { bus } from "../bus.js";
import { showsOwnPhoto } from "./address.js";
import { axisSpan } from "./gauges.js";
import { button, setText } from "./texts.js";

const PATIENCE_MS = 15000; // nobody wants to guess
const REVEAL_MS = 600;
const FIRST_PX = 22;
const MOST_PX = 110; // beyond the axis: "over 100"
const LAST_SAID_PX = 100;
const THUMB = 20; // design px
const ASKED = "psnr";

/** The guess of one visit to the page. */
export class Guess {
  /** @param {() => void} repaint called when something of it changes */
  constructor(repaint) {
    this.repaint = repaint;
    this.on = false;
    this.said = null; // px, once it was said and until something is moved
    this.reach = 1; // how far the marks have run to their places
    this.waits = false;
  }

  /** Whether it is on; begins it where nobody has asked for a state or touched anything. */
  takes({ view, data, movedAt }) {
    if (movedAt) Object.assign(this, { said: null, reach: 1, waits: false });
    if (bus.guessed) return this.on;
    bus.guessed = true;
    if (movedAt || data.alone || view.degree || !view.shift_x || showsOwnPhoto() || !isOpenedBare()) return false;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return false;
    this.begin();
    return true;
  }

  begin() {
    this.on = true;
    this.range = Object.assign(document.createElement("input"), { type: "range", min: 0, max: MOST_PX, step: 1, value: FIRST_PX, className: "bd-guess" });
    this.range.setAttribute("aria-label", "How blurred PSNR thinks the picture is, your guess");
    this.label = Object.assign(document.createElement("output"), { className: "bd-guessed" });
    this.show = button("Show", "Lets every measure go where it stands", () => this.reveal());
    this.show.classList.add("bd-main");
    this.skip = button("Skip", "Shows what every measure says", () => this.end());
    this.range.oninput = () => { this.wait(); this.write(); };
    this.onTouch = (event) => { if (!this.isOurs(event)) this.end(); };
    document.addEventListener("pointerdown", this.onTouch, true);
    document.addEventListener("keydown", this.onTouch, true);
    this.wait();
    this.write();
  }

  isOurs(event) {
    return event.key === "Tab" || event.composedPath().some((one) => [this.range, this.show, this.skip].includes(one));
  }

  wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.end(), PATIENCE_MS);
  }

  get value() {
    return Number(this.range.value);
  }

  text() {
    return this.value > LAST_SAID_PX ? `over ${LAST_SAID_PX} px` : `${this.value} px`;
  }

  write() {
    setText(this.label, this.text());
    this.range.setAttribute("aria-valuetext", this.text());
    this.place();
  }

  /**
   * Lays the square into the row that it is about, and its buttons where the page's others stand.
   * @param {SVGElement} axis
   * @param {number[]} row top and height of that row, px
   * @param {HTMLElement} share
   */
  settle(axis, row, share) {
    Object.assign(this, { axis, row: row ?? this.row });
    if (this.range.parentElement !== axis.parentElement) axis.parentElement.append(this.range, this.label);
    if (share && this.show.parentElement !== share) share.prepend(this.show, this.skip);
    share?.toggleAttribute("data-guessing", true);
    this.share = share;
    this.place();
  }

  place() {
    if (!this.axis || !this.row) return;
    const { left, right, unit } = axisSpan(this.axis);
    const thumb = THUMB * unit;
    const [top, height] = this.row;
    const long = ((right - left) * MOST_PX) / LAST_SAID_PX;
    Object.assign(this.range.style, { left: `${left - thumb / 2}px`, width: `${long + thumb}px`, top: `${top}px`, height: `${height}px` });
    const middle = left + (long * this.value) / MOST_PX;
    Object.assign(this.label.style, { left: `${middle + 14 * unit}px`, top: `${top}px`, lineHeight: `${height}px` });
  }

  /** The sentence on top, as long as one guesses. */
  sentence(truth) {
    const done = truth[0].toLowerCase() + truth.slice(1);
    return { case: "guess", kind: "guess", truth: `The right picture is ${done}`,
      parts: [["How blurred does ", ""], ["PSNR", "pixels"], [" think it is? Put the square where you think.", ""]] };
  }

  /** The sentence with what was said in it. */
  recall(sentence) {
    if (this.said === null || !sentence) return sentence;
    return { ...sentence, parts: [[`You said ${this.said}. `, ""], ...sentence.parts] };
  }

  /** Lets the marks run to their places. */
  reveal() {
    this.said = this.text();
    this.guessed = this.value;
    this.reach = 0;
    this.waits = true; // for what the measures say
    this.close();
    this.repaint();
  }

  /** Lets the marks run as soon as there are any. */
  run(like) {
    if (!this.waits || !like.some((found) => found?.text)) return;
    this.waits = false;
    const begun = performance.now();
    const step = (now) => {
      const share = Math.min(1, Math.max(0, (now - begun) / REVEAL_MS));
      this.reach = 1 - (1 - share) ** 3;
      this.repaint();
      if (share < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /** The guess as the axis shows it beside what PSNR says; null where none was made. */
  get mark() {
    return this.said === null ? null : { measure: ASKED, at: this.guessed };
  }

  end() {
    this.close();
    this.repaint();
  }

  close() {
    if (!this.on) return;
    this.on = false;
    clearTimeout(this.timer);
    document.removeEventListener("pointerdown", this.onTouch, true);
    document.removeEventListener("keydown", this.onTouch, true);
    this.share?.removeAttribute("data-guessing");
    for (const part of [this.range, this.label, this.show, this.skip]) part.remove();
  }
}

/** Whether the page was opened by its bare address. */
function isOpenedBare() {
  return [...new URLSearchParams(location.search).keys()].every((name) => name.startsWith("embed"));
}
