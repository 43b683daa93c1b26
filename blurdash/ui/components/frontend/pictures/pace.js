// @module pace: how many pixels a preview may have on this machine, learnt from how long draws take.

const PACE_BUDGET_MS = 14; // for a draw: leaves the rest of a 60th of a second to the browser
const PACE_QUALITIES = [1, 0.75, 0.5]; // of the display's side
const PACE_MEMORY = 6; // draws that are judged together
const PACE_WARM_UP = 4; // first draws, before the browser has compiled the loops

/**
 * Chooses the share of the display's side at which previews are drawn.  A slow or busy machine gets
 * fewer pixels while the hand moves, rather than fewer pictures; at rest the exact picture comes.
 */
export class Pace {
  constructor() {
    this.level = 0;
    this.times = [];
    this.warmUp = PACE_WARM_UP;
  }

  get quality() {
    return PACE_QUALITIES[this.level];
  }

  /** Notes how long a draw took; may change the quality of the next. */
  note(ms) {
    if (this.warmUp > 0) {
      this.warmUp -= 1;
      return;
    }
    this.times.push(ms);
    if (this.times.length < PACE_MEMORY) return;
    const typical = this.times.sort((a, b) => a - b)[PACE_MEMORY >> 1];
    this.times = [];
    const better = PACE_QUALITIES[this.level - 1];
    if (typical > PACE_BUDGET_MS && this.level < PACE_QUALITIES.length - 1) this.level += 1;
    else if (better && typical * (better / this.quality) ** 2 < 0.8 * PACE_BUDGET_MS) this.level -= 1;
  }
}
