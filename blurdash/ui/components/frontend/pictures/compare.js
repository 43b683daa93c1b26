// @module compare: the ways to look at clean and blurred: side by side, swipe, flicker, where they differ.

const COMPARE_MODES = ["side", "swipe", "flicker", "difference"];
const FLICKER_HALF_PERIOD_MS = 333; // 1.5 times a second: below the 3 flashes that are unsafe

/** Keeps the stage in one of the modes and runs its divider and its flicker. */
export class Compare {
  /**
   * @param {HTMLElement} stage the section; its data-mode and data-shown drive the style sheet
   * @param {object} parts elements: modes (buttons), play, divider, panels, frame
   * @param {object} labels texts
   * @param {{onMode: (mode: string) => void, onShow: () => void}} listener told when a person chose
   *   another mode, and when anything else is to be seen
   */
  constructor(stage, parts, labels, listener) {
    Object.assign(this, { stage, parts, labels, listener });
    this.split = 50;
    this.paused = false;
    this.timer = 0;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.onCalm = () => this.restart();
    this.calm.addEventListener("change", this.onCalm);
    for (const button of parts.modes) button.onclick = () => this.choose(button.dataset.mode);
    parts.play.onclick = () => (this.calm.matches ? this.flip() : this.setPaused(!this.paused));
    this.wireDivider();
    this.wireHold();
    this.setSplit(this.split);
    this.setMode("side");
  }

  get mode() {
    return this.stage.dataset.mode;
  }

  /** Which picture flicker shows just now; both count as shown in the other modes. */
  get shown() {
    return this.stage.dataset.shown;
  }

  choose(mode) {
    this.setMode(mode);
    this.listener.onMode(mode);
  }

  setMode(mode) {
    if (!COMPARE_MODES.includes(mode)) return;
    this.stage.dataset.mode = mode;
    for (const button of this.parts.modes) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    }
    this.parts.divider.hidden = mode !== "swipe";
    this.parts.play.hidden = mode !== "flicker";
    const hold = mode === "flicker";
    this.parts.panels.tabIndex = hold ? 0 : -1;
    if (hold) this.parts.panels.setAttribute("aria-label", this.labels.hold);
    else this.parts.panels.removeAttribute("aria-label");
    this.restart();
  }

  /** Moves the divider; `percent` of the width shows the clean picture. */
  setSplit(percent) {
    this.split = Math.max(0, Math.min(100, percent));
    this.stage.style.setProperty("--bd-split", `${this.split}%`);
    const { divider } = this.parts;
    divider.setAttribute("aria-valuenow", String(Math.round(this.split)));
    divider.setAttribute("aria-valuetext", `${Math.round(this.split)} % ${this.labels.clean}`);
    this.listener.onShow();
  }

  setPaused(paused) {
    this.paused = paused;
    this.restart();
  }

  dispose() {
    clearInterval(this.timer);
    this.calm.removeEventListener("change", this.onCalm);
  }

  flip() {
    this.stage.dataset.shown = this.shown === "clean" ? "blurred" : "clean";
    this.listener.onShow();
  }

  restart() {
    clearInterval(this.timer);
    const { play } = this.parts;
    const flicker = this.mode === "flicker";
    const running = flicker && !this.paused && !this.calm.matches;
    if (!flicker) this.stage.dataset.shown = "blurred";
    if (running) this.timer = setInterval(() => this.flip(), FLICKER_HALF_PERIOD_MS);
    if (this.calm.matches) play.textContent = this.labels.swap;
    else play.textContent = this.paused ? this.labels.play : this.labels.pause;
    this.listener.onShow();
  }

  wireDivider() {
    const { divider, frame } = this.parts;
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
    divider.onkeydown = (event) => {
      const ends = { Home: 0, End: 100 };
      if (event.key in steps) this.setSplit(this.split + steps[event.key] * (event.shiftKey ? 10 : 1));
      else if (event.key in ends) this.setSplit(ends[event.key]);
      else return;
      event.preventDefault();
    };
    divider.onpointerdown = (event) => {
      divider.setPointerCapture(event.pointerId);
      event.preventDefault();
      divider.focus({ focusVisible: false });
    };
    divider.onpointermove = (event) => {
      if (!divider.hasPointerCapture(event.pointerId)) return;
      const { left, width } = frame.getBoundingClientRect();
      this.setSplit(((event.clientX - left) / width) * 100);
    };
  }

  /** Pressing the picture, or the space bar, shows the other one for as long as it is held. */
  wireHold() {
    const { panels } = this.parts;
    let held = false;
    const press = () => {
      if (held || this.mode !== "flicker") return;
      held = true;
      clearInterval(this.timer);
      this.flip();
    };
    const release = () => {
      if (!held) return;
      held = false;
      if (this.mode === "flicker") this.flip();
      this.restart();
    };
    panels.onpointerdown = (event) => event.button === 0 && press();
    panels.onpointerup = release;
    panels.onpointercancel = release;
    panels.onpointerleave = release;
    panels.onblur = release;
    panels.onkeydown = (event) => {
      if (event.key !== " " || this.mode !== "flicker") return;
      event.preventDefault();
      press();
    };
    panels.onkeyup = (event) => event.key === " " && release();
  }
}
