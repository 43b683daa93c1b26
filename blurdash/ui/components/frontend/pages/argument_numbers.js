// @module argument numbers: the numbers of both pictures that this browser found itself: whether they are of
// what is shown, whether they are the server's, and what the scene is with them.

import { bus } from "../bus.js";
import { KERNELS } from "../pictures/kernels.js";
import { hasKernel } from "../pictures/taps.js";
import { ROWS } from "../rows.js";
import { compareWithServer, readerNow } from "../wasm/reader.js";
import { OwnCurves } from "../widgets/own_curve.js";
import { failsFrom, isOwnScene, ownScene } from "./argument_own.js";

/** The numbers of one page. */
export class ArgumentNumbers {
  /**
   * @param {object} page
   * @param {() => object} page.data what the server says
   * @param {() => object[]} page.specs what is done to both pictures
   * @param {() => object} page.sliders where they are, by name
   * @param {() => boolean} page.isFresh whether what the server says is of here
   * @param {() => boolean} page.mayWork whether nobody moves or looks for anything
   * @param {() => object|null} page.twin the twins on screen
   * @param {() => object|null} page.told what a search has found here
   * @param {() => void} page.changed called when there is more of a curve
   */
  constructor(page) {
    this.page = page;
    this.found = null; // the last ones: {specs, values, key}
    this.curves = new OwnCurves(page.mayWork, page.changed, ROWS.argument.degrees);
  }

  take(found) {
    this.found = found;
  }

  /** Whether this browser finds the numbers of here itself. */
  hasHere() {
    const { data, specs } = this.page;
    const known = specs().every((spec) => (spec.degree === undefined ? isPlain(spec) : hasKernel(spec)));
    return Boolean(data().reader && isOwnScene(data().scene) && known && this.ofScene());
  }

  /** The last numbers, of whichever place, where they are of the scene and settings shown. */
  ofScene() {
    const { found } = this;
    const [reader, data] = [readerNow(), this.page.data()];
    if (!found || !reader || !isOwnScene(data.scene) || found.key !== reader.key || reader.key !== data.reader?.key) return null;
    return shapeOf(found.specs) === shapeOf(this.page.specs()) ? found : null;
  }

  areOfHere({ specs }) {
    return JSON.stringify(specs) === JSON.stringify(this.page.specs());
  }

  /** Holds them against what the server says of the same place. */
  compare() {
    const { values } = this.page.data();
    if (!values || this.page.twin() || !this.page.isFresh() || !this.ofScene() || !this.areOfHere(this.found)) return;
    this.found.values.forEach((mine, i) => compareWithServer(mine, values[i]));
  }

  /** Those that are shown; null where the server's are. */
  shown() {
    const { found, page } = this;
    if (!this.hasHere()) return null;
    if (!page.isFresh() || page.told()) return found;
    // Beside what the server has found stand its own numbers; and what it says of here is better than what is
    // found elsewhere.
    const { twin, panels, ready } = page.data();
    const itsOwn = twin || panels.some(({ about }) => about === "found");
    return ready && (itsOwn || !this.areOfHere(found)) ? null : found;
  }

  /** The scene with numbers of this browser. */
  scene(own) {
    const data = this.page.data();
    const sliders = this.slidersOf(own);
    const hasCurve = data.pictures.includes("sharp") && !data.hidden && KERNELS[data.kernel].make;
    const told = this.areOfHere(own) ? this.page.told() : null; // nothing is said of twins beside others' numbers
    return ownScene(data, { values: own.values, sliders, curve: hasCurve ? this.curve(sliders.angle) : null,
      fresh: this.page.isFresh() && !told?.twin, note: told?.note ?? "", alike: told?.metric ?? "" });
  }

  /** From which blur on the embedding sides with the sharp picture, px; null while that is not known. */
  failsFrom(own) {
    return KERNELS[this.page.data().kernel].make ? failsFrom(own.values, this.curve(this.slidersOf(own).angle)) : null;
  }

  /** What is known of the face's curve at an angle; more is found while the hand rests. */
  curve(angle) {
    const { kernel, reader } = this.page.data();
    const of = { key: reader.key, face: bus.face, kernel, angle };
    if (this.page.mayWork()) this.curves.want(of);
    return this.curves.known(of);
  }

  /** Where the sliders were when numbers were found. */
  slidersOf({ specs }) {
    const sliders = { ...this.page.sliders() };
    specs.forEach((spec, i) => {
      const which = this.page.data().pictures[i];
      if (which === "sharp") Object.assign(sliders, { x: spec.x, y: spec.y, gain: spec.gain });
      else {
        const letter = { first: "_a", second: "_b" }[which] ?? "";
        Object.assign(sliders, { [`degree${letter}`]: spec.degree, [`angle${letter}`]: spec.angle });
      }
    });
    return sliders;
  }

  dispose() {
    this.curves.dispose();
  }
}

/** Whether a sharp picture is one that the core makes: only moved, or in other light. */
function isPlain({ rotation, scale, noise }) {
  return rotation === 0 && scale === 1 && noise === 0;
}

/** What kind of pictures specs are of: left and right as they hang, of which kernel. */
function shapeOf(specs) {
  return JSON.stringify(specs.map(({ kernel, degree }) => [kernel, degree === undefined]));
}
