// @module saying: the sentence on top of Explore, in a slot of its own. It comes with the numbers and
// is read off them; while numbers of another position stand, what the measures make of it is faint.

import { STYLES } from "../styles.js";
import { setText } from "./texts.js";

/** The sentence of one page. */
export class Saying {
  constructor() {
    this.shown = null;
  }

  /** Builds itself in the slot that is there now; whether there is a place to draw in. */
  settle({ sentence } = {}) {
    if (sentence && this.place !== sentence) {
      this.place = sentence;
      this.shown = null;
      sentence.innerHTML = `<style>${STYLES.readouts}</style><div class="bd-top"><h1 class="bd-say" aria-live="polite" aria-atomic="true"><b></b> <span></span></h1><div class="bd-share"></div></div>`;
      const box = sentence.querySelector("h1");
      this.parts = { box, truth: box.querySelector("b"), rest: box.querySelector("span"), share: sentence.querySelector(".bd-share") };
    }
    return Boolean(this.parts);
  }

  /**
   * @param {object|null} said as Python sends it: case, kind, truth, parts
   * @param {boolean} fresh whether it is of where the sliders are
   * @param {boolean} moving whether a hand moves: then only its numbers change, and not its wording,
   *   as long as what is done to the picture stays of one kind
   */
  paint(said, fresh, moving) {
    const { box, truth, rest } = this.parts;
    const reworded = said && this.shown && said.case !== this.shown.case && said.kind === this.shown.kind;
    const take = said && fresh && !(moving && reworded);
    box.classList.toggle("bd-old", !fresh || Boolean(moving && reworded));
    if (!take || JSON.stringify(said) === JSON.stringify(this.shown)) return;
    this.shown = said;
    setText(truth, said.truth);
    rest.replaceChildren(...said.parts.map(([text, family]) => {
      const part = document.createElement(family ? "em" : "span");
      if (family) part.className = `bd-of-${family}`;
      part.textContent = text;
      return part;
    }));
  }

  present(on) {
    this.parts?.box.classList.toggle("bd-present", on);
  }
}
