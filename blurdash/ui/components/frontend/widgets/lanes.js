// @module lanes: this face's curves over the degree, one lane for the embedding and one for the
// pixels, right above the degree slider, which is their axis. What stays while a hand drags is
// drawn once; a cursor and the marks move.

import { ROWS } from "../rows.js";
import { LANE_LAST_DEGREE, curveProgress } from "./curve_csv.js";
import { mark, placesOf } from "./marks.js";
import { sizeOf } from "./sizes.js";
import { escaped, setText } from "./texts.js";

const LANE_FAMILIES = ["embedding", "pixels"];

/** The row of a tile. */
function tileOf(wanted) {
  return ROWS.tiles.find(({ id }) => id === wanted);
}

/** Two curves over the degree with a cursor; see the module. */
export class Lanes {
  /**
   * @param {(degree: number) => void} choose called with the degree that a person clicks on
   * @param {() => void} save called when a person wants the curve as a file
   */
  constructor(choose, save) {
    this.box = document.createElement("div");
    this.box.className = "bd-lanes";
    this.box.innerHTML = `<svg role="img" aria-label="This face's curves over the degree">
      <g class="bd-still"></g><g class="bd-moves"></g></svg>
      <button type="button" class="bd-csv"></button>`;
    this.csv = this.box.querySelector(".bd-csv");
    this.csv.onclick = save;
    this.still = this.box.querySelector(".bd-still");
    this.moves = this.box.querySelector(".bd-moves");
    this.shown = Object.fromEntries(ROWS.tiles.filter((tile) => tile.first_lane).reverse().map(({ family, id }) => [family, id]));
    this.choices = {};
    this.drawn = "";
    this.box.onclick = (event) => this.click(event, choose);
  }

  /** Offers each family's measures; the first time only, for they stay. */
  offer(changed) {
    if (this.offered) return;
    this.offered = true;
    for (const family of LANE_FAMILIES) {
      const select = document.createElement("select");
      select.className = `bd-of-${family}`;
      select.setAttribute("aria-label", family === "embedding" ? "Embedding's curve" : "Pixels' curve");
      for (const { id, short } of ROWS.tiles.filter((tile) => tile.family === family && tile.span)) {
        select.add(new Option(short, id));
      }
      select.value = this.shown[family];
      select.onchange = () => { this.shown[family] = select.value; this.drawn = ""; changed(); };
      this.choices[family] = select;
      this.box.append(select);
    }
  }

  /**
   * Draws what is known; cheap where only the position is another.
   * @param {object} seen
   * @param {object|null} seen.curve as Python's curve_data, or null where none is known
   * @param {object} seen.recogniser as Python's recogniser_data: what is known of other faces under it
   *   decides the ranges, else how far this curve reaches
   * @param {object} seen.view the sliders
   * @param {number} seen.eyeDistance px
   * @param {object|null} seen.values what the tiles show now, by id; null while nothing is known
   * @param {object} seen.like each measure's blur equivalent, by id
   */
  paint(seen) {
    const place = this.measure(seen.input);
    if (!place) return;
    this.scale(place, seen);
    const still = [place.width, place.height, place.left, place.span, place.font, JSON.stringify(this.lanes.map((lane) => lane.range)),
      this.shown.embedding, this.shown.pixels, seen.curve?.mark, seen.curve?.whose].join(" ");
    if (still !== this.drawn) {
      this.drawn = still;
      this.still.innerHTML = this.lanes.map((lane) => this.stillLane(lane, seen)).join("") + this.ticks();
      for (const lane of this.lanes) this.choices[lane.family].style.top = `${lane.top + lane.height / 2 - 10 * place.unit}px`;
    }
    const progress = curveProgress(seen.curve);
    setText(this.csv, progress.text);
    this.csv.hidden = !progress.text;
    this.csv.title = progress.title;
    this.moves.innerHTML = this.lanes.map((lane) => this.movingLane(lane, seen)).join("") + this.cursor(seen);
    this.box.dataset.degree = seen.view.degree;
  }

  /** Where the slider's axis lies in this box, px; null while there is no room. */
  measure(input) {
    const sizes = [sizeOf(this.box), sizeOf(input)];
    if (this.measured && sizes.every((size, i) => size === this.measured.sizes[i])) return this.measured.place;
    const [{ width, height, unit }, range] = sizes;
    if (width < 60 || height < 40) return null;
    const thumb = 16 * unit;
    const font = parseFloat(getComputedStyle(this.still).fontSize) || 11;
    const left = input.getBoundingClientRect().left - this.box.getBoundingClientRect().left + thumb / 2;
    const place = { width: Math.round(width), height: Math.round(height), unit, font, left, span: range.width - thumb };
    this.measured = { sizes, place };
    return place;
  }

  scale(place, { recogniser, curve }) {
    this.place = place;
    const { unit, font, height } = place;
    const [above, below, between] = [font + 8 * unit, 17 * unit, 10 * unit];
    const high = (height - above - below - between) / 2;
    const ranges = { ...curve?.spans, ...recogniser.spans };
    this.above = above;
    this.lanes = LANE_FAMILIES.map((family, i) => ({ family, id: this.shown[family], top: above + i * (high + between),
      height: high, range: ranges[this.shown[family]] ?? tileOf(this.shown[family]).span }));
  }

  x(degree) {
    return this.place.left + (degree * this.place.span) / LANE_LAST_DEGREE;
  }

  y({ top, height, range: { low, high } }, value) {
    const number = value === "inf" ? high : Math.min(high, Math.max(low, value));
    return top + height - ((number - low) / (high - low)) * height;
  }

  stillLane(lane, { curve }) {
    const { unit, font } = this.place;
    const right = this.x(LANE_LAST_DEGREE);
    const { ticks, decimals } = lane.range;
    const { unit: of } = tileOf(lane.id);
    const grid = ticks.map((tick) => `<path d="M${this.x(0)} ${this.y(lane, tick)}H${right}" stroke="var(--bd-line)"
      shape-rendering="crispEdges"/><text x="${right + 7 * unit}" y="${this.y(lane, tick) + font * 0.36}">${tick.toFixed(decimals)}${of && ` ${of}`}</text>`);
    const place = ROWS.tiles.findIndex(({ id }) => id === lane.id);
    const band = curve?.bands?.[place];
    const parts = [...grid];
    if (band?.length) {
      const edge = (end) => band.map((point) => `${this.x(point[0])} ${this.y(lane, point[end])}`);
      parts.push(`<path d="M${[...edge(1), ...edge(2).reverse()].join("L")}Z" fill="var(--bd-${lane.family}-band)"/>`);
      if (lane.family === "embedding") {
        parts.push(`<text x="${this.x(0) + 8 * unit}" y="${lane.top + lane.height + font * 0.5}">${escaped(this.legend(curve.whose))}</text>`);
      }
    }
    return parts.join("") + this.line(lane, curve, place);
  }

  /** What line and band are, in as many words as there is room for. */
  legend(whose) {
    const { width, unit, font } = this.place;
    const room = width - this.x(0) - 8 * unit;
    const texts = [`line: this face, band: middle 80 % of ${whose}`, `band: middle 80 % of ${whose}`, "band: other faces"];
    return texts.find((text) => 0.52 * font * text.length < room) ?? texts.at(-1);
  }

  line(lane, curve, place) {
    const points = (curve?.degrees ?? []).map((degree, i) => [degree, curve.values[i][place]])
      .filter(([, value]) => typeof value === "number" || value === "inf")
      .map(([degree, value]) => `${this.x(degree).toFixed(1)} ${this.y(lane, value).toFixed(1)}`);
    if (points.length < 2) return "";
    const dash = lane.family === "pixels" ? `stroke-dasharray="${6 * this.place.unit} ${3 * this.place.unit}"` : "";
    return `<path class="bd-curve" data-points="${points.length}" d="M${points.join("L")}" fill="none" stroke="var(--bd-${lane.family})"
      stroke-width="${2 * this.place.unit}" stroke-linejoin="round" ${dash}/>`;
  }

  ticks() {
    const y = this.place.height - 4 * this.place.unit;
    return [0, 20, 40, 60, 80, 100].map((degree) => `<text x="${this.x(degree)}" y="${y}"
      text-anchor="${degree === LANE_LAST_DEGREE ? "end" : "middle"}">${degree}</text>`).join("");
  }

  /** The value here, and where the curve has the same: the leader between them is the explanation. */
  movingLane(lane, { values, view, like }) {
    const value = values?.[lane.id];
    if (typeof value !== "number" && value !== "inf") return "";
    const { unit } = this.place;
    const [x, y] = [this.x(view.degree), this.y(lane, value)];
    return this.leader(lane, like?.[lane.id], x, y, view) + mark(lane.family, x, y, 4.5 * unit, unit);
  }

  leader(lane, like, x, y, view) {
    if (!like?.text || !(view.shift_x || view.shift_y) || like.side === "below") return "";
    const { unit } = this.place;
    const end = this.x(LANE_LAST_DEGREE);
    const places = placesOf(like, (degree) => this.x(degree), end);
    const stroke = `fill="none" stroke="var(--bd-${lane.family})"`;
    const line = `<path d="M${Math.min(x, places[0])} ${y}H${Math.max(x, places.at(-1))}" ${stroke} stroke-width="${1.2 * unit}" stroke-dasharray="${1.5 * unit} ${3 * unit}"/>`;
    if (like.side) {
      return `${line}<path d="M${end - 6 * unit} ${y - 4 * unit}l${6 * unit} ${4 * unit}l${-6 * unit} ${4 * unit}" ${stroke} stroke-width="${1.5 * unit}"/>`;
    }
    return line + places.map((place) => `<circle cx="${place}" cy="${y}" r="${3.5 * unit}" fill="var(--bd-panel)" stroke="var(--bd-${lane.family})" stroke-width="${1.5 * unit}"/>`).join("");
  }

  cursor({ view, eyeDistance }) {
    const { unit, height, font } = this.place;
    const x = this.x(view.degree);
    const left = view.degree > 55;
    const percent = eyeDistance ? `, ${Math.round((100 * view.degree) / eyeDistance)} % of the eye distance` : "";
    return `<path class="bd-cursor" data-degree="${view.degree}" d="M${x} ${this.above - 2 * unit}V${height}" stroke="var(--bd-ink)" stroke-width="${1.2 * unit}"/>
      <text class="bd-strong" x="${x + (left ? -7 : 7) * unit}" y="${font + 2 * unit}" text-anchor="${left ? "end" : "start"}">${view.degree} px of blur${percent}</text>`;
  }

  click(event, choose) {
    if (!this.place || event.target.closest("select, button")) return;
    const at = event.clientX - this.box.getBoundingClientRect().left;
    const degree = Math.round(((at - this.place.left) / this.place.span) * LANE_LAST_DEGREE);
    if (degree >= 0 && degree <= LANE_LAST_DEGREE) choose(degree);
  }
}

