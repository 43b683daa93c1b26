// @module pace: whether the page's own frames keep up while workers compute beside it. Where there are as many
// workers as processors, the page under the hand would wait for numbers that nobody asked to be faster.

const PACE_FRAMES = 9; // of which more than half must be in time
const PACE_LATE_MS = 22; // a frame of a screen of 60 a second was left out
const PACE_LATE_SHARE = 1.4; // of what a frame takes on a slower screen
const PACE_REST_MS = 1500; // for so long one worker is enough, once frames were late
const PACE_IDLE_MS = 300; // without a request nobody counts frames

/** Counts frames for as long as something is asked for. */
export class Pace {
  constructor() {
    this.frames = [];
    this.usual = Infinity; // the shortest frame so far: the screen's own
    this.last = null;
    this.askedAt = 0;
    this.lateUntil = 0;
    this.counting = false;
  }

  /** Something was asked for: a hand moves. */
  follow() {
    this.askedAt = performance.now();
    if (this.counting || !globalThis.requestAnimationFrame) return;
    this.counting = true;
    this.last = null;
    requestAnimationFrame((now) => this.count(now));
  }

  /** Whether there is time for a second worker. */
  keepsUp() {
    return performance.now() >= this.lateUntil;
  }

  count(now) {
    if (this.last !== null) {
      this.frames = [...this.frames, now - this.last].slice(-PACE_FRAMES);
      this.usual = Math.min(this.usual, now - this.last);
    }
    this.last = now;
    const most = Math.max(PACE_LATE_MS, PACE_LATE_SHARE * this.usual);
    const late = this.frames.filter((frame) => frame > most).length;
    if (late > PACE_FRAMES / 2) {
      this.lateUntil = now + PACE_REST_MS;
      this.frames = [];
    }
    this.counting = performance.now() - this.askedAt < PACE_IDLE_MS;
    if (this.counting) requestAnimationFrame((next) => this.count(next));
  }
}
