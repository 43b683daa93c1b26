// @module gauges: two drawings that put a number where one can see it: how blurred each measure
// takes the picture to be, and the distance against a threshold and against strangers.

import { ROWS } from "../rows.js";
import { mark, placesOf } from "./marks.js";
import { sizeOf } from "./sizes.js";
import { escaped } from "./texts.js";

const AXIS_SHARE_BEYOND = 0.15; // of the width: the zone of more than 100 px

/** The measures that have a row on the axis, from top to bottom. */
export const BELIEVE_ROWS = ROWS.tiles.filter((tile) => tile.axis !== null).sort((one, other) => one.axis - other.axis);

/** Where the axis of degrees begins and ends on a drawing, px. */
export function axisSpan(svg) {
  const { width, font, unit } = sizeOf(svg);
  const zone = Math.max(width * AXIS_SHARE_BEYOND, 6.4 * font); // as wide as its words, and half a number
  return { left: 58 * unit, right: width - zone, zone, font, unit };
}

/**
 * Draws the blur equivalents of a few measures on one axis of degrees.
 * @param {number} reach how far the marks have run to their places, 0..1
 * @param {object|null} guess what somebody said: `measure` and the degree `at`
 * @returns {number[][]} top and height of each row, px; empty where there is no room to draw
 */
export function drawBelieve(svg, { like, degree, reach = 1, guess = null }) {
  const box = sizeOf(svg);
  if (box.width < 60 || box.height < 30) return [];
  const { left, right, zone, font, unit } = axisSpan(svg);
  const [top, bottom] = [font + 6 * unit, box.height - font - 6 * unit];
  const x = (at) => left + ((right - left) * at) / 100;
  const rows = BELIEVE_ROWS;
  const high = (bottom - top) / rows.length;
  const parts = [`<rect x="${right}" y="${top}" width="${zone}" height="${bottom - top}" fill="var(--bd-well)"/>
    <text x="${box.width}" y="${box.height - 2 * unit}" text-anchor="end">over 100</text>`];
  for (const at of [0, 25, 50, 75, 100]) {
    parts.push(`<path d="M${x(at)} ${top}V${bottom}" stroke="var(--bd-line)" shape-rendering="crispEdges"/>
      <text x="${x(at)}" y="${box.height - 2 * unit}" text-anchor="middle">${at}${at ? "" : " px"}</text>`);
  }
  parts.push(`<path d="M${x(degree)} ${top - 3 * unit}V${bottom}" stroke="var(--bd-ink)" stroke-width="${1.5 * unit}" stroke-dasharray="${4 * unit} ${3 * unit}"/>
    <text class="bd-strong" x="${Math.max(x(degree), left + 26 * unit)}" y="${font}" text-anchor="middle">real blur ${degree} px</text>`);
  rows.forEach((tile, i) => {
    const y = top + (i + 0.5) * high;
    parts.push(believeRow(tile, like?.[tile.id], { x, y, from: x(degree), beyond: right + zone / 2, width: box.width, unit, font, reach }));
    if (guess?.measure === tile.id) parts.push(guessMark(x(guess.at), y, unit));
  });
  svg.innerHTML = parts.join("");
  return rows.map((_, i) => [top + i * high, high]);
}

function believeRow({ short, family }, like, { x, y, from, beyond, width, unit, font, reach }) {
  const name = `<text class="bd-named" style="--bd-c: var(--bd-${family})" x="0" y="${y + font * 0.36}">${short}</text>`;
  if (!like?.text) return name;
  const places = placesOf(like, x, beyond).map((place) => from + (place - from) * reach);
  const [first, last] = [places[0], places.at(-1)];
  const text = like.side === "beyond" || reach < 1 ? "" : said(like.text, Math.max(last, from) + 11 * unit, y, { width, unit, font });
  // A value that several blurs have is a bar over all of them.
  const [low, high] = like.side ? [0, 0] : [x(like.ranges[0][0]), x(like.ranges.at(-1)[1])];
  const bar = high - low < 1 || reach < 1 ? ""
    : `<path class="bd-marked" d="M${low} ${y}H${high}" stroke="var(--bd-${family})" stroke-opacity="0.35" stroke-width="${9 * unit}" stroke-linecap="round"/>`;
  return `${name}${bar}<path class="bd-marked" d="M${from} ${y}H${from < first ? first : Math.min(from, last)}" stroke="var(--bd-${family})" stroke-width="${2 * unit}"${family === "pixels" ? ` stroke-dasharray="${5 * unit} ${3 * unit}"` : ""}/>
    ${places.map((place) => mark(family, place, y, 5.5 * unit, unit)).join("")}${text}`;
}

/** What somebody guessed, as a dashed square. */
function guessMark(x, y, unit) {
  const side = 12 * unit;
  return `<rect x="${x - side / 2}" y="${y - side / 2}" width="${side}" height="${side}" fill="none" stroke="var(--bd-ink)" stroke-width="${1.5 * unit}" stroke-dasharray="${3 * unit} ${2 * unit}"><title>your guess</title></rect>`;
}

/** What a measure reads, behind its mark; above it where there is no room behind. */
function said(text, x, y, { width, unit, font }) {
  const fits = x + 0.6 * font * text.length < width;
  const place = fits ? `x="${x}" y="${y + font * 0.36}"` : `x="${width}" y="${y - 9 * unit}" text-anchor="end"`;
  return `<text class="bd-strong bd-marked" ${place}>${text}</text>`;
}

/** Draws how far a value is from that of equal pictures: a threshold, and where strangers are. */
export function drawGauge(svg, { value, person, closer }) {
  const box = sizeOf(svg);
  if (box.width < 60 || !person) {
    svg.innerHTML = "";
    return;
  }
  const { font, unit } = box;
  const { limit, identical, strangers } = person;
  const away = (at) => Math.abs(at - identical);
  const band = strangers ? [away(strangers.low), away(strangers.high)].sort((one, other) => one - other) : [0, 0];
  const most = 1.1 * Math.max(band[1], limit === null ? 0 : 1.4 * away(limit));
  const x = (at) => (box.width * Math.min(away(at), most)) / most;
  const y = 10 * unit;
  const below = y + 10 * unit + font;
  const parts = [`<path d="M0 ${y}H${box.width}" stroke="var(--bd-line)" stroke-width="${2 * unit}"/>
    <text x="0" y="${below}">${identical} identical</text>`];
  if (strangers) {
    const [from, to] = band.map((at) => (box.width * at) / most);
    const says = `${strangers.says} ${closer?.says ?? ""}`.trim();
    parts.push(`<rect x="${from}" y="${y - 6 * unit}" width="${to - from}" height="${12 * unit}" fill="var(--bd-edge)" opacity="0.55"><title>${escaped(says)}</title></rect>
      <text x="${box.width}" y="${below}" text-anchor="end">${escaped(limit === null ? strangers.text : closer?.short ?? "strangers")}<title>${escaped(says)}</title></text>`);
  }
  if (limit !== null) {
    parts.push(`<path d="M${x(limit)} ${y - 9 * unit}V${y + 9 * unit}" stroke="var(--bd-ink)" stroke-width="${1.5 * unit}"/>
      <text class="bd-strong" x="${x(limit)}" y="${below}" text-anchor="middle">${limit}</text>`);
  }
  if (typeof value === "number") parts.push(mark("embedding", x(value), y, 5.5 * unit, unit));
  svg.innerHTML = parts.join("");
}
