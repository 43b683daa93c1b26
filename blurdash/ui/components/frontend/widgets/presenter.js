// @module presenter: the presentation, full screen where the browser allows it; and keys that act on
// the whole page.

/**
 * Whether a key is none of the page's: somebody writes, or it is pressed with another.
 * @param {boolean} slides whether a slider has keys of its own that are to win
 */
export function isTaken(event, slides) {
  const target = event.composedPath()[0];
  const writes = target instanceof HTMLElement && (slides || target.type !== "range")
    && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
  return writes || event.ctrlKey || event.metaKey || event.altKey;
}

/** Switches the presentation of this page on and off. */
export class Presenter {
  /** @param {(on: boolean) => void} changed called when it was */
  constructor(changed) {
    this.changed = changed;
    this.onFullscreen = () => { if (!document.fullscreenElement) this.set(false); };
    document.addEventListener("fullscreenchange", this.onFullscreen);
  }

  get on() {
    return document.body.classList.contains("bd-present");
  }

  toggle() {
    this.set(!this.on);
  }

  set(on) {
    if (on === this.on) return;
    document.body.classList.toggle("bd-present", on);
    if (on) document.documentElement.requestFullscreen?.().catch(() => {}); // refused: large type is left
    else if (document.fullscreenElement) document.exitFullscreen();
    this.changed(on);
  }

  dispose() {
    document.removeEventListener("fullscreenchange", this.onFullscreen);
  }
}
