// @module settler: tells the server where a hand has come to rest, until it says that it knows.

const REST_MS = 350; // where the server has the numbers of every place on the way
const REST_OF_OWN_MS = 2000; // where the page has them itself
const RETRY_MS = 2000; // a run of the whole page can swallow what was told
const LOST_AFTER = 2; // so often told in vain: the server may have been started anew

/** Waits for rest, and tells of it; what is told is a place as text. */
export class Settler {
  /**
   * @param {object} hand
   * @param {() => string} hand.place where it is
   * @param {() => string} hand.told the place that the server has seen to
   * @param {() => boolean} hand.busy whether it moves, or numbers for it are under way
   * @param {() => boolean} hand.alone whether the page has the numbers itself
   * @param {(place: string) => void} hand.tell tells the server
   * @param {() => void} hand.lost called where the server does not seem to hear
   */
  constructor(hand) {
    this.hand = hand;
    this.timer = 0;
    this.place = ""; // that is being told
    this.times = 0; // how often it was
  }

  /**
   * It moved: it is at rest when it has not done so for a while.
   * @param {boolean} jumped whether it was no hand that moved: then none will go on
   */
  soon(jumped = false) {
    this.after(this.hand.alone?.() && !jumped ? REST_OF_OWN_MS : REST_MS);
  }

  settle() {
    if (this.hand.busy()) {
      this.soon();
      return;
    }
    const place = this.hand.place();
    if (place === this.hand.told()) return;
    this.times = place === this.place ? this.times + 1 : 1;
    this.place = place;
    if (this.times > LOST_AFTER) this.hand.lost?.();
    this.hand.tell(place);
    this.after(RETRY_MS);
  }

  after(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settle(), wait);
  }

  dispose() {
    clearTimeout(this.timer);
  }
}
