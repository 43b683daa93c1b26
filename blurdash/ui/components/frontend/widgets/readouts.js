// @module readouts: the column of numbers beside the pictures, and the line at the page's foot.
// Built once in a place of its own (a slot); the controls tell it what to show.

import { bus } from "../bus.js";
import { KERNELS } from "../pictures/kernels.js";
import { ROWS } from "../rows.js";
import { STYLES } from "../styles.js";
import { copyFrom } from "./clipboard.js";
import { BELIEVE_ROWS, drawBelieve, drawGauge } from "./gauges.js";
import { formatted, setText, shown } from "./texts.js";

const FAMILY_HEADS = {
  embedding: "Face embedding",
  pixels: "Pixel metrics",
};

/** Gives the controls' script a place on the page to draw into. */
export function mountSlot(component) {
  const place = component.parentElement.querySelector(".bd-slot");
  const { name } = component.data;
  (bus.slots ??= {})[name] = place;
  bus.dispatchEvent(new Event("slot"));
  return () => { if (bus.slots[name] === place) delete bus.slots[name]; };
}

/** The readouts of one page. */
export class Readouts {
  /**
   * @param {() => void} ask has the server say what it has of what is shown: with the receipt
   * @param {(tile: object|null) => void} hold called when the row of a measure is held, and let go
   */
  constructor(ask, hold) {
    Object.assign(this, { ask, hold });
    this.held = null; // the tile whose row is held
    this.parts = null;
    this.line = null;
    this.painted = ""; // the place that is painted
    this.wanted = ""; // of which place a receipt is to be copied as soon as it is there
  }

  /** Builds itself in the slots that are there now; whether there is a place to draw in. */
  settle({ readouts, context } = {}) {
    if (readouts && this.place !== readouts) {
      this.place = readouts;
      this.parts = buildReadouts(readouts);
      this.parts.how.onclick = () => this.toggleWhy();
      this.parts.rows.forEach((row, i) => this.wireRow(row, BELIEVE_ROWS[i]));
    }
    if (context && this.foot !== context) {
      this.foot = context;
      this.line = buildContext(context);
      this.line.copy.onclick = () => this.copy();
    }
    return Boolean(this.parts);
  }

  present(on) {
    this.parts?.box.classList.toggle("bd-present", on);
    this.line?.box.classList.toggle("bd-present", on);
  }

  /**
   * @param {object} seen
   * @param {"exact"|"pixels"|"curve"|"pending"} seen.state exact; exact, but there is no recogniser
   *   yet; read off the curve; of another position
   * @param {object[]} seen.tiles of each measure its `value` as Python sends it; `at`, where it is of
   *   another position; `estimate`, where it is read off the curve; `own`, where the page found it
   * @param {Array} seen.like blur equivalents; empty where they are not known
   * @param {object} seen.data the controls' data
   * @param {object} seen.view where the sliders are
   * @param {object} seen.believed the place that `like` is of
   * @param {object|null} seen.kernel audit of the kernel; null while it is not known
   * @param {boolean|null} seen.same whether both count as one person; null where that is not known
   * @param {object|null} seen.closer how many strangers are as close; null where that is not known
   * @param {object|null} seen.receipt of these very numbers, as the server has it
   * @param {string} seen.message what else is to be said
   * @param {Guess} seen.guess whether somebody guesses, and what was guessed
   */
  paint(seen) {
    const { parts } = this;
    const { state, tiles, like, data } = seen;
    parts.box.dataset.state = state;
    parts.box.setAttribute("aria-busy", String(state !== "exact"));
    this.paintFlags(state, tiles);
    const { guess } = seen;
    parts.tiles.forEach((tile, i) => this.paintTile(tile, ROWS.tiles[i], tiles[i], guess.on ? { text: "?" } : like[i]));
    this.paintHead(data, state);
    this.paintPerson(seen, tiles.map(({ value }) => value));
    paintKernel(parts.kernel, seen.kernel, data.kernel, seen.view.degree);
    setText(parts.facts, seen.message);
    const byId = Object.fromEntries(ROWS.tiles.map((tile, i) => [tile.id, like[i]]));
    this.guessing = guess.on;
    const places = drawBelieve(parts.axis, { like: byId, degree: seen.believed.degree, reach: guess.reach, guess: guess.mark });
    this.placeRows(places, byId, seen.view);
    if (guess.on) guess.settle(parts.axis, places[BELIEVE_ROWS.findIndex(({ id }) => id === "psnr")], seen.share);
    this.paintLine(seen);
  }

  /** A row is held by a pointer, by touch, or with Space: the right picture is the blur it is taken for. */
  wireRow(row, tile) {
    row.onpointerdown = (event) => { row.setPointerCapture(event.pointerId); this.holdRow(tile); };
    row.onpointerup = row.onpointercancel = row.onblur = () => this.holdRow(null);
    row.onkeydown = (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      this.holdRow(this.held === tile ? null : tile);
    };
    row.oncontextmenu = (event) => event.preventDefault(); // a long touch holds
  }

  holdRow(tile) {
    if (this.held === tile) return;
    this.held = tile;
    this.parts.rows.forEach((row, i) => row.setAttribute("aria-pressed", String(BELIEVE_ROWS[i] === tile)));
    setText(this.parts.foot, this.footText());
    this.hold(tile);
  }

  /** Lays the buttons over the rows that are drawn; what is not moved is its own blur, and holds nothing. */
  placeRows(places, like, view) {
    const { rows, foot } = this.parts;
    this.moved = Boolean(view.shift_x || view.shift_y);
    rows.forEach((row, i) => {
      const found = like[BELIEVE_ROWS[i].id];
      // A row that is held stays so while numbers come anew: a disabled button would never be let go.
      row.disabled = !this.moved || (!found?.text && this.held !== BELIEVE_ROWS[i]);
      if (!places[i]) return; // nothing was drawn: what was drawn before stays
      row.hidden = false;
      [row.style.top, row.style.height] = places[i].map((px) => `${px}px`);
      const says = found?.text ? `${BELIEVE_ROWS[i].label} takes it for a ${blurOf(found)}. Hold to see that blur.` : BELIEVE_ROWS[i].label;
      row.title = says;
      row.setAttribute("aria-label", says);
    });
    if (this.held && !this.moved) this.holdRow(null);
    setText(foot, this.footText());
  }

  footText() {
    if (this.guessing) return "Then Show: PSNR, SSIM and the embedding go where they stand.";
    if (!this.moved) return "Not moved: every measure reads its own blur, by definition.";
    return this.held ? "The right picture is that blur. Let go to come back." : "Hold a row: the right picture becomes the blur it is taken for.";
  }

  /** Beside each family's head, what its numbers are, where they are not exact and of here. */
  paintFlags(state, tiles) {
    Object.keys(FAMILY_HEADS).forEach((family, i) => {
      const { block, flag } = this.parts.families[i];
      const ours = tiles.filter((_, place) => ROWS.tiles[place].family === family);
      const late = lateness(ours, state === "pixels" && family === "embedding");
      if (late) block.dataset.late = late;
      else delete block.dataset.late;
      const waiting = ours.some(({ value }) => value !== undefined) ? "computing" : "not ready yet";
      setText(flag, { missing: "not ready yet", pending: waiting, curve: "from the curve" }[late] ?? "");
    });
  }

  paintTile(parts, tile, { value, at, estimate, own }, like) {
    setText(parts.figure, value === undefined || value === null ? "···" : formatted(value, tile.decimals));
    parts.mark.hidden = !estimate;
    const shift = at && (at[2] || at[3]) ? `, shift ${shown(at[2])} ${shown(at[3])}` : "";
    setText(parts.hint, at ? `at ${shown(at[0])} px, ${shown(at[1])}°${shift}` : tile.direction);
    setText(parts.identical, !at && tile.identical ? `, ${tile.identical}` : "");
    parts.like.hidden = !like?.text || Boolean(at && !own);
    setText(parts.px, like?.text ?? "");
    parts.like.title = like?.text ?? ""; // where several blurs are too long for the tile
  }

  paintHead({ recogniser }, state) {
    const { parts } = this;
    const { label, dim, note, remark, shipped } = recogniser;
    const name = label ? `${label}, ${dim} numbers` : "no recogniser";
    parts.recogniser.title = remark ? "The weights are another file than the one that was published" : "";
    setText(parts.recogniser, shipped ? `${name}, shipped with blurdash` : name);
    parts.fallback.hidden = !note;
    parts.recogniser.hidden = Boolean(note);
    if (note) {
      setText(parts.inUse, label);
      setText(parts.why, `${note[0].toUpperCase()}${note.slice(1)}. Put the weights file into a folder and start with BLURDASH_WEIGHTS_DIR set to it, or let this machine reach the internet once.`);
    } else parts.why.hidden = true;
  }

  /** By a published threshold, else by how many strangers are as close. */
  paintPerson({ data: { recogniser, doubt, alone }, same, closer, state }, values) {
    const { parts } = this;
    const { person, label } = recogniser;
    parts.person.hidden = !label;
    const limit = person?.limit ?? null;
    const verdict = same === null || same === undefined ? "" : same ? "Yes" : "No";
    const answer = limit === null ? closer?.text ?? "" : verdict;
    parts.answer.classList.toggle("bd-counted", limit === null);
    setText(parts.answer, doubt ? "not asked" : state === "exact" ? answer : "");
    parts.answer.title = limit === null ? closer?.says ?? "" : "";
    setText(parts.limit, doubt ? "the face is doubtful: see the picture"
      : person ? person.text : `no published threshold${alone ? "" : "; other faces: Sweeps, Run on my photos"}`);
    parts.limit.title = parts.limit.textContent;
    parts.gauge.parentElement.hidden = !person;
    const value = person && values ? values[person.tile] : null;
    drawGauge(parts.gauge, { value, person, closer: state === "exact" ? closer : null });
  }

  paintLine({ data: { recogniser, kernel, eye_distance: eyes, source, alone }, state, view, receipt }) {
    const { line } = this;
    if (!line) return;
    line.copy.hidden = Boolean(alone); // a page in one file has no server to ask
    const name = recogniser.label || "none";
    setText(line.recogniser, recogniser.note ? `${name} (fallback)` : name);
    setText(line.protocol, recogniser.protocol);
    setText(line.crop, recogniser.crop);
    setText(line.cropSays, `, ${recogniser.crop_says}`);
    setText(line.kernel, kernel);
    setText(line.reference, KERNELS[kernel].stretched ? "degree 0, same stretch" : "the clean canvas");
    setText(line.eyes, `${Math.round(eyes)} px`);
    line.source.parentElement.hidden = !source;
    setText(line.source, `${source} px`);
    this.receipt = receipt;
    this.painted = JSON.stringify(view);
    line.copy.disabled = !receipt && state !== "exact";
    if (this.wanted && this.wanted !== this.painted) this.forgetWish();
    if (this.wanted && receipt) this.copy();
  }

  toggleWhy() {
    const { why, how } = this.parts;
    why.hidden = !why.hidden;
    how.setAttribute("aria-expanded", String(!why.hidden));
  }

  forgetWish() {
    this.wanted = "";
    setText(this.line.copy, "Copy receipt");
  }

  /** Copies the receipt; where the page found the numbers itself, the server is asked for it first. */
  async copy() {
    if (!this.receipt) {
      this.wanted = this.painted;
      setText(this.line.copy, "Asking the server …");
      this.ask();
      return;
    }
    this.wanted = "";
    await copyFrom(this.line.copy, JSON.stringify(this.receipt, null, 2), "Copy receipt");
  }
}

/** "blur of 74 px", "blur below 10 px": an equivalent as it is said. */
export function blurOf({ text }) {
  return /^(below|over)/.test(text) ? `blur ${text}` : `blur of ${text}`;
}

/** Why a family's numbers are not those of here and now; empty where they are. */
function lateness(tiles, missing) {
  if (missing) return "missing";
  if (tiles.some(({ estimate }) => estimate)) return "curve";
  return tiles.every(({ value, at, own }) => value !== undefined && (!at || own)) ? "" : "pending";
}

function buildReadouts(place) {
  place.innerHTML = `<style>${STYLES.readouts}</style><div class="bd-tiles" role="group" aria-label="Readouts" data-state="pending">
    <p class="bd-facts" role="status" aria-live="polite"></p>
    <section class="bd-block bd-believe"><header><h2>How blurred does each measure think this is?</h2></header>
      <div class="bd-axis"><svg role="img" aria-label="Blur equivalent of each measure"></svg>${BELIEVE_ROWS.map(() => '<button type="button" class="bd-hold" hidden></button>').join("")}</div><p class="bd-foot"></p></section>
    <section class="bd-block bd-embedding"><div class="bd-lead"><header><h2>${FAMILY_HEADS.embedding}</h2><span class="bd-recogniser"></span><span class="bd-push bd-flag"></span></header>
      <p class="bd-fallback" hidden><span><span class="bd-long">FaceNet missing: </span><b></b> in use</span><button type="button" class="bd-link" aria-expanded="false" aria-label="How to add it">How<span class="bd-long"> to add it</span></button></p></div>
      <div class="bd-cells"></div><p class="bd-why" hidden></p></section>
    <section class="bd-block bd-pixels"><header><h2>${FAMILY_HEADS.pixels}</h2><span>against the clean picture, range 255</span><span class="bd-push bd-flag"></span></header>
      <div class="bd-cells"></div></section>
    <section class="bd-block bd-person"><header><h2>Same person?</h2><span class="bd-answer"></span><span class="bd-push bd-limit"></span></header>
      <div class="bd-gauge"><svg role="img" aria-label="Distance against the threshold"></svg></div></section>
    <section class="bd-block bd-kernel"><header><h2>Kernel</h2></header>
      <dl><div><dt>runs at</dt><dd></dd></div><div><dt>length</dt><dd></dd></div><div><dt>light kept</dt><dd></dd></div><div><dt>moves it by</dt><dd></dd></div></dl></section>
  </div>`;
  const one = (selector) => place.querySelector(selector);
  for (const family of Object.keys(FAMILY_HEADS)) {
    const ours = ROWS.tiles.filter((tile) => tile.family === family);
    one(`.bd-${family} .bd-cells`).append(...ours.map((tile, i) => buildTile(tile, i === 0)));
  }
  return { box: one(".bd-tiles"), facts: one(".bd-facts"), families: Object.keys(FAMILY_HEADS).map((family) => ({ block: one(`.bd-${family}`), flag: one(`.bd-${family} .bd-flag`) })),
    recogniser: one(".bd-recogniser"), fallback: one(".bd-fallback"), inUse: one(".bd-fallback b"), how: one(".bd-fallback button"),
    why: one(".bd-why"), axis: one(".bd-axis svg"), rows: [...place.querySelectorAll(".bd-hold")], foot: one(".bd-foot"), person: one(".bd-person"), answer: one(".bd-answer"), limit: one(".bd-limit"),
    gauge: one(".bd-gauge svg"), kernel: { box: one(".bd-kernel"), values: [...place.querySelectorAll(".bd-kernel dd")] },
    tiles: ROWS.tiles.map((tile) => tileParts(place, tile)) };
}

function buildTile(tile, first) {
  const element = document.createElement("div");
  const size = tile.family === "embedding" ? (first ? " bd-hero" : " bd-minor") : "";
  element.className = `bd-tile${size}`;
  element.dataset.tile = tile.id;
  element.title = tile.source;
  const pre = size === " bd-minor" ? "" : '<span class="bd-pre">reads as a </span>';
  element.innerHTML = `<h3></h3><p class="bd-figure"><span class="bd-mark" hidden><span aria-hidden="true">≈</span><span class="bd-unseen">about </span></span><span data-testid="readout-${tile.id}"></span><small></small></p>
    <p class="bd-hint"><span></span><span class="bd-long"></span></p><p class="bd-like"><span>${pre}blur of <b></b></span></p>`;
  element.querySelector("h3").textContent = tile.label;
  element.querySelector("small").textContent = tile.unit;
  return element;
}

function tileParts(place, tile) {
  const one = (selector) => place.querySelector(`[data-tile="${tile.id}"] ${selector}`);
  return { figure: one(`[data-testid]`), mark: one(".bd-mark"), hint: one(".bd-hint span"), identical: one(".bd-long"),
    like: one(".bd-like > span"), px: one(".bd-like b") };
}

function buildContext(place) {
  place.innerHTML = `<style>${STYLES.readouts}</style><footer class="bd-context"><span>Recogniser <b></b></span><span>protocol <b></b></span>
    <span>crop <b></b><span class="bd-long bd-crop"></span></span><span>kernel <b></b></span>
    <span class="bd-long">reference <b></b></span><span>eyes <b></b> apart<span class="bd-long"> on 1024</span></span><span>source <b></b></span>
    <button type="button" class="bd-link">Copy receipt</button><span class="bd-leave">Esc leaves</span></footer>`;
  const [recogniser, protocol, crop, kernel, reference, eyes, source] = place.querySelectorAll("b");
  return { box: place.querySelector("footer"), cropSays: place.querySelector(".bd-crop"), copy: place.querySelector("button"), recogniser, protocol, crop, kernel, reference, eyes, source };
}

function paintKernel({ box, values }, audited, kernel, degree) {
  const { mass, length, direction, offset } = audited ?? { mass: NaN, length: NaN, direction: NaN, offset: NaN };
  box.title = KERNELS[kernel].says;
  const none = Number.isNaN(length) || !degree;
  const texts = [none || Number.isNaN(direction) ? "–" : `${Math.round(direction) % 180}°`,
    none ? "–" : `${length.toFixed(1)} px`, Number.isNaN(mass) ? "–" : `${Math.round(100 * mass)} %`, none ? "0.00 px" : `${offset.toFixed(2)} px`];
  texts.forEach((text, i) => setText(values[i], text));
}

