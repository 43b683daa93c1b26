// @module asker: one request in flight, the latest wins.

const ASK_EVERY_MS = 16;
const ASK_GIVE_UP_MS = 4000; // an answer that has not come by then was lost with the connection

/** Sends what a hand asks for, never two at a time; what is asked meanwhile goes out afterwards. */
export class Asker {
  /**
   * @param {(number: number) => void} send called with the number that the answer will carry
   * @param {() => void} lost called when an answer does not come
   */
  constructor(send, lost) {
    Object.assign(this, { send, lost });
    this.number = 0;
    this.inflight = 0;
    this.dirty = false;
    this.pump = 0;
    this.guard = 0;
  }

  /** Whether an answer is under way, or a question. */
  get busy() {
    return Boolean(this.inflight || this.dirty);
  }

  /** Something new is wanted. */
  want() {
    this.dirty = true;
    if (this.inflight || this.pump) return;
    this.pump = setTimeout(() => { this.pump = 0; this.ask(); }, ASK_EVERY_MS);
  }

  ask() {
    this.dirty = false;
    this.inflight = ++this.number;
    this.send(this.inflight);
    clearTimeout(this.guard);
    this.guard = setTimeout(() => { this.inflight = 0; this.lost(); this.want(); }, ASK_GIVE_UP_MS);
  }

  /** A number for a question that goes another way; its answer counts as one. */
  nextNumber() {
    return ++this.number;
  }

  /** An answer came; `right` says whether it is of what is wanted now. */
  answered(number, right) {
    this.number = Math.max(this.number, number);
    if (this.inflight && number >= this.inflight) {
      this.inflight = 0;
      clearTimeout(this.guard);
    }
    if (this.dirty || (!this.inflight && !right)) this.want();
  }

  dispose() {
    clearTimeout(this.pump);
    clearTimeout(this.guard);
  }
}
