// @module argument finder: telling pairs of the face on screen that this browser looks for itself
// (own_search.js), and what it says of the one that it found, while the sliders stand there.

import { bus } from "../bus.js";
import { KERNELS } from "../pictures/kernels.js";
import { ROWS } from "../rows.js";
import { readerNow } from "../wasm/reader.js";
import { wholePx } from "../widgets/equivalents.js";
import { findAngleFlip, findDisagreement, findTwins } from "../widgets/own_search.js";

const TWINS = "twins-"; // and a measure
const FINDER_PAUSE_MS = 50; // before a number that did not come is asked for again
const FINDER_DIGITS = 3; // that the server keeps of a slider's place

/** A search whose answer nobody waits for. */
class SearchEnded extends Error {}

/** Looks for pairs on behalf of one page. */
export class ArgumentFinder {
  /**
   * @param {object} page
   * @param {() => object} page.data what the server says
   * @param {() => object} page.sliders where they are, by name
   * @param {() => boolean} page.readsHere whether this browser finds the numbers of here itself
   * @param {() => void} page.changed called when it looks for something, or no longer
   * @param {(values: object) => void} page.jump moves the sliders
   */
  constructor(page) {
    this.page = page;
    this.search = null; // {name}: what is looked for
    this.told = null; // {note, metric, twin, place}: what was found
  }

  /** Whether a search is one that this browser does itself. */
  finds(name) {
    const { kernel } = this.page.data();
    if (!this.page.readsHere() || !KERNELS[kernel].make) return false;
    return isSearch(name) && (!name.startsWith(TWINS) || kernel === ROWS.argument.twin_kernel);
  }

  /** Looks for a telling pair of this face, until a hand moves or another scene is told. */
  async find(name) {
    const search = (this.search = { name, of: this.whole() });
    this.told = null;
    this.page.changed();
    try {
      await this.lookFor(name, { measure: (...asked) => this.measured(search, ...asked) });
    } catch (error) {
      if (!(error instanceof SearchEnded)) throw error;
    } finally {
      if (this.search === search) this.stop();
      this.page.changed();
    }
  }

  /** What a search is of: it ends where any of it is another. */
  whole() {
    const { scene, kernel, start, reader } = this.page.data();
    return JSON.stringify([scene, kernel, start, reader?.key]);
  }

  async lookFor(name, measurer) {
    const { kernel } = this.page.data();
    const { x, y, angle } = this.page.sliders();
    const limit = this.limit();
    if (name === "angle") this.takeFlip(await findAngleFlip(measurer, { kernel }));
    else if (name === "disagreement") {
      this.takePair(await findDisagreement(measurer, { kernel, angle, direction: x || y ? [x, y] : [1, 0], limit }), "");
    } else {
      const metric = name.slice(TWINS.length);
      this.takePair(await findTwins(measurer, { metric, angle, shift: x || y ? [x, y] : [limit, 0] }), metric);
    }
  }

  stop() {
    this.search = null;
  }

  /** The numbers of a view, once they come; rejects where nobody looks for them any more. */
  async measured(search, view, reference = null) {
    for (;;) {
      if (this.search !== search || search.of !== this.whole() || !readerNow()) throw new SearchEnded();
      const values = await bus.measurer?.measure(view, readerNow(), reference);
      if (values && ROWS.embedding in values) return values;
      await new Promise((done) => setTimeout(done, FINDER_PAUSE_MS));
    }
  }

  /** The largest shift that the viewer calls slight. */
  limit() {
    return this.page.data().panels.find(({ limit }) => limit !== undefined)?.limit ?? ROWS.argument.limit;
  }

  takePair({ degree, length, angle, shift: [x, y], note }, metric) {
    const twin = metric ? { kernel: this.page.data().kernel, length, angle, x, y } : null;
    const still = { rotation: 0, scale: 1, gain: 1, noise: 0 }; // searches are about a shift alone
    this.jump({ ...still, degree: degree ?? Number(wholePx(length)), x, y }, { note, metric, twin });
  }

  takeFlip({ longer, shorter, note }) {
    const upright = (angle) => (angle > 180 ? angle - 360 : angle);
    this.jump({ degree_a: longer.degree, angle_a: upright(longer.angle), degree_b: shorter.degree, angle_b: upright(shorter.angle) },
      { note, metric: "", twin: null });
  }

  /** Moves the sliders to what was found; in so many digits as the server keeps of them. */
  jump(values, told) {
    this.page.jump(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value.toFixed(FINDER_DIGITS))])));
    this.told = { ...told, place: this.place() };
  }

  /** What was found, while sliders, scene and settings are those; null for nothing. */
  toldHere() {
    return this.told?.place === this.place() ? this.told : null;
  }

  place() {
    const { scene, reader } = this.page.data();
    return JSON.stringify([this.page.sliders(), scene, reader?.key]);
  }

  /** A panel's buttons while something is looked for; without a server also while nothing can be. */
  painted(panel) {
    if (panel.kind !== "buttons") return panel;
    const alone = this.page.data().alone;
    return { ...panel, buttons: panel.buttons.map((one) => {
      if (this.search) return { ...one, busy: true, label: one.act === this.search.name ? "Searching …" : one.label };
      return alone && isSearch(one.act) && !this.finds(one.act) ? { ...one, busy: true } : one;
    }) };
  }
}

/** Whether this is the name of a search that a browser can do. */
function isSearch(name) {
  return name === "disagreement" || name === "angle" || name.startsWith(TWINS);
}
