// @module sweeps angles: a measure over degree and angle as a map, and one degree of it over the angle, with the
// length that the kernel really has there.

import { Frame, roundTicks, shape } from "../widgets/frame.js";
import { formatted, setText, shown } from "../widgets/texts.js";
import { Graph } from "./sweeps_curves.js";
import { nearest, rowOf, saidOf } from "./sweeps_numbers.js";

const FAINTEST = 4; // % of ink at the near end
const ANGLES_SAID = 45;
const SCALE_STEPS = 24;

/** The map. */
export class AngleMap extends Graph {
  draw(wanted) {
    this.shown = wanted;
    const { map, measure } = wanted;
    if (this.veiled(map?.of[measure] ? "" : wanted.missing)) return;
    const row = rowOf(measure);
    const { degrees, angles } = map;
    const frame = (this.frame = new Frame(this.svg, { left: 44, right: 74, top: 6, bottom: 34 }, [0, degrees.length], [0, angles.length]));
    const flat = map.of[measure].flat().filter((value) => typeof value === "number");
    const ends = [Math.min(...flat), Math.max(...flat)];
    const ink = (value) => {
      const share = ends[1] > ends[0] ? (value - ends[0]) / (ends[1] - ends[0]) : 0;
      return Math.round(FAINTEST + (100 - FAINTEST) * (row.higher ? 1 - share : share));
    };
    this.svg.setAttribute("data-family", row.family);
    this.svg.replaceChildren(...this.cells(frame, map, measure, ink), ...this.scale(frame, measure, row.higher ? [...ends].reverse() : ends), ...this.labels(frame, map));
    this.ring = shape("rect", "sw-ring", { y: frame.top, height: frame.foot - frame.top });
    this.svg.append(this.ring);
    setText(this.note, `mean ${row.label}, more ink is farther`);
    this.point(wanted.at);
  }

  cells(frame, map, measure, ink) {
    return map.of[measure].flatMap((row, i) => row.map((value, j) => {
      const [left, right] = [frame.across(j), frame.across(j + 1)];
      const [top, foot] = [frame.up(i + 1), frame.up(i)];
      const cell = shape("rect", "sw-cell", { x: left, y: top, width: right - left + 0.3, height: foot - top + 0.3 });
      cell.style.setProperty("--sw-ink", typeof value === "number" ? `${ink(value)}%` : "0%");
      return cell;
    }));
  }

  scale(frame, measure, [near, far]) {
    const high = (frame.foot - frame.top) / SCALE_STEPS;
    const x = frame.right + 14 * frame.unit;
    const steps = Array.from({ length: SCALE_STEPS }, (_, i) => {
      const step = shape("rect", "sw-cell", { x, y: frame.top + i * high, width: 11 * frame.unit, height: high + 0.4 });
      step.style.setProperty("--sw-ink", `${Math.round(FAINTEST + (100 - FAINTEST) * (1 - i / (SCALE_STEPS - 1)))}%`);
      return step;
    });
    const { decimals } = rowOf(measure);
    return [...steps,
      frame.text(x + 16 * frame.unit, frame.top + 0.8 * frame.font, formatted(far, decimals)),
      frame.text(x + 16 * frame.unit, frame.foot, formatted(near, decimals))];
  }

  labels(frame, { degrees, angles }) {
    const sides = angles.flatMap((angle, i) => (angle % ANGLES_SAID ? [] : [frame.text(frame.left - 7 * frame.unit, frame.up(i + 0.5) + 0.36 * frame.font, `${shown(angle)}°`, "end")]));
    const y = frame.foot + 1.45 * frame.font;
    const feet = degrees.map((degree, j) => frame.text(frame.across(j + 0.5), y, `${degree}`, "middle"));
    const counts = frame.text((frame.left + frame.right) / 2, frame.height - 4 * frame.unit, `degree, px of the canvas: measured at these ${degrees.length}`, "middle");
    return [...sides, ...feet, counts];
  }

  /** Rings the measured degree nearest to one. */
  point(at) {
    if (!this.frame) return;
    const { map, measure } = this.shown;
    const { degrees } = map;
    const j = nearest(degrees, at);
    const column = map.of[measure].map((row) => row[j]).filter((value) => typeof value === "number");
    this.ring.setAttribute("x", this.frame.across(j));
    this.ring.setAttribute("width", this.frame.across(j + 1) - this.frame.across(j));
    const { decimals } = rowOf(measure);
    const ends = [Math.min(...column), Math.max(...column)].map((value) => formatted(value, decimals));
    this.tell([[`at ${degrees[j]} px `, false], [ends[0], true], [" to ", false], [ends[1], true]]);
    this.speak(degrees[0], degrees.at(-1), degrees[j], `${degrees[j]} px: ${ends.join(" to ")}`);
  }

  next(way) {
    const { degrees } = this.shown.map;
    return Math.min(degrees.length - 1, Math.max(0, nearest(degrees, this.at) + way)) + 0.5; // the middle of a column
  }
}

/** The degree that lies under a place of the map. */
export function degreeUnder(map, place) {
  return map.degrees[Math.min(map.degrees.length - 1, Math.max(0, Math.floor(place)))];
}

/** One degree of the map over the angle. */
export class AngleProfile extends Graph {
  draw(wanted) {
    this.shown = wanted;
    const { map, measure } = wanted;
    if (this.veiled(map?.of[measure] ? "" : wanted.missing)) return;
    this.svg.setAttribute("role", "img");
    this.svg.removeAttribute("tabindex");
    this.point(wanted.at);
  }

  point(at) {
    const { map, measure } = this.shown;
    if (!map?.of[measure]) return;
    const j = nearest(map.degrees, at);
    const degree = map.degrees[j];
    const row = rowOf(measure);
    // A line has no direction: 180° is 0° again.
    const around = map.angles[0] === 0 && map.angles.at(-1) < 180;
    const angles = around ? [...map.angles, 180] : map.angles;
    const values = map.of[measure].map((line) => line[j]);
    if (around) values.push(values[0]);
    this.svg.setAttribute("data-family", row.family);
    const frame = (this.frame = new Frame(this.svg, { left: 54, right: 12, top: 8, bottom: 34 }, [angles[0], angles.at(-1)], [0, 1]));
    const lengths = map.lengths?.of[j];
    const middle = frame.top + (lengths ? 0.56 : 1) * (frame.foot - frame.top);
    const parts = [
      ...this.values(part(frame, frame.top, middle - (lengths ? 10 * frame.unit : 0)), angles, values, row),
      ...(lengths ? this.lengths(part(frame, middle + 12 * frame.unit, frame.foot), map, lengths) : []),
      ...frame.places([0, 45, 90, 135, 180].filter((one) => one >= angles[0] && one <= angles.at(-1)), (one) => `${one}°`, `angle of the kernel (${map.kernel})`),
    ];
    this.svg.replaceChildren(...parts);
    setText(this.title, `Over the angle, at ${degree} px`);
    setText(this.note, lengths ? "and the kernel's own length" : "");
    this.svg.setAttribute("aria-label", `${row.label} at ${degree} px over the angle: ${map.angles.map((angle, i) => `${angle}° ${saidOf(measure, values[i])}`).join(", ")}`);
  }

  values(frame, angles, values, row) {
    const known = values.filter((value) => typeof value === "number");
    frame.y = spread(Math.min(...known), Math.max(...known));
    const { ticks, digits } = roundTicks(...frame.y, 4);
    return [
      ...frame.levels(ticks, (value) => shown(value.toFixed(digits))),
      frame.line(angles, values, "sw-mean"),
      ...angles.flatMap((angle, i) => (typeof values[i] === "number" ? [shape("circle", "sw-dot", { cx: frame.across(angle), cy: frame.up(values[i]), r: 2.6 * frame.unit })] : [])),
      frame.text(frame.right, frame.top + 2 * frame.unit, `mean ${row.label}`, "end", "sw-named"),
    ];
  }

  lengths(frame, map, lengths) {
    frame.y = spread(Math.min(...lengths), Math.max(...lengths));
    const { ticks, digits } = roundTicks(...frame.y, 5);
    return [
      ...frame.levels(ticks, (value) => `${value.toFixed(digits)} px`),
      frame.line(map.lengths.angles, lengths, "sw-length"),
      frame.text((frame.left + frame.right) / 2, frame.top + 1 * frame.unit, `length of the kernel (${map.kernel})`, "middle"),
    ];
  }
}

/** A frame over a part of another's height. */
function part(frame, top, foot) {
  return Object.assign(Object.create(Object.getPrototypeOf(frame)), frame, { top, foot });
}

function spread(low, high) {
  const air = 0.18 * (high - low) || Math.abs(high) * 0.05 || 1;
  return [low - air, high + air];
}
