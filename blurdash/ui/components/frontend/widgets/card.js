// @module card: one picture of all that Explore says: the sentence, both pictures, what each measure takes
// them for, three numbers and the settings. Always on white: it is looked at elsewhere.

import { ROWS } from "../rows.js";
import { BELIEVE_ROWS } from "./gauges.js";
import { placesOf } from "./marks.js";
import { blurOf } from "./readouts.js";
import { formatted, shown } from "./texts.js";

export const CARD_SIZE = [1440, 900];
export const CARD_EDGE = 50; // px around
const CARD_PICTURE = 478;
const CARD_COLUMN = 1080; // where the numbers begin
const CARD_COLOURS = ["ink", "muted", "line", "well", "embedding", "pixels"]; // of tokens.css

/**
 * Composes the card.
 * @param {HTMLCanvasElement} canvas
 * @param {object} seen as Readouts.paint takes it, with `said`: the sentence; `pictures`: as the stage
 *   hands them over; `address`: empty for none
 */
export function composeCard(canvas, seen) {
  const pen = penOn(canvas);
  drawHeadline(pen, [...wordsOf(seen.said.truth, "ink"), ...seen.said.parts.flatMap(([text, family]) => wordsOf(text, family))]);
  drawPictures(pen, seen.pictures);
  drawNumbers(pen, seen);
  drawAxis(pen, seen);
  drawSettings(pen, seen);
}

/** A pen on an empty card. */
export function penOn(canvas) {
  [canvas.width, canvas.height] = CARD_SIZE;
  const context = canvas.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, ...CARD_SIZE);
  return new Pen(context, paletteOf(canvas));
}

/** The page's colours as they are in the light. */
function paletteOf(near) {
  const probe = document.createElement("span");
  probe.style.colorScheme = "light";
  near.after(probe);
  const palette = Object.fromEntries(CARD_COLOURS.map((name) => {
    probe.style.color = `var(--bd-${name})`;
    return [name, getComputedStyle(probe).color];
  }));
  const family = getComputedStyle(probe).fontFamily;
  probe.remove();
  return { ...palette, family };
}

/** Writes and draws in the page's colours and type. */
class Pen {
  constructor(context, palette) {
    Object.assign(this, { context, palette });
  }

  font(size, weight = 400) {
    this.context.font = `${weight} ${size}px ${this.palette.family}`;
  }

  write(text, x, y, { size = 18, weight = 400, colour = "ink", align = "left", width = undefined } = {}) {
    const { context } = this;
    this.font(size, weight);
    context.textAlign = align;
    context.textBaseline = "alphabetic";
    context.fillStyle = this.palette[colour] ?? colour;
    context.fillText(text, x, y, width);
  }

  line(points, { colour = "ink", wide = 2, dashes = [] } = {}) {
    const { context } = this;
    context.strokeStyle = this.palette[colour];
    context.lineWidth = wide;
    context.setLineDash(dashes);
    context.beginPath();
    points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
    context.setLineDash([]);
  }
}

/** The sentence, as large as two lines allow. */
export function drawHeadline(pen, words) {
  for (const size of [36, 32, 28, 25]) {
    const lines = brokenInto(pen, words, size, CARD_SIZE[0] - 2 * CARD_EDGE);
    if (lines.length > 2 && size > 25) continue;
    lines.forEach((line, i) => {
      for (const { text, x, weight, colour } of line) pen.write(text, CARD_EDGE + x, 76 + i * size * 1.25, { size, weight, colour });
    });
    return;
  }
}

/** Words of a part; one that begins with a stop or a comma belongs to the word before it. */
export function wordsOf(text, family) {
  const style = family ? { weight: 700, colour: family } : { weight: 400, colour: "ink" };
  const kept = text.replace(/(\d) px/g, "$1\u00a0px"); // a number stays with its unit
  return kept.split(" ").map((word, i) => ({ text: word, joined: i === 0 && !family && /^[.,;:]/.test(word), ...style })).filter((word) => word.text);
}

function brokenInto(pen, words, size, width) {
  const lines = [[]];
  let x = 0;
  for (const word of words) {
    pen.font(size, word.weight);
    const [wide, space] = [pen.context.measureText(word.text).width, pen.context.measureText(" ").width];
    if (word.joined) x -= space;
    if (x + wide > width && x > 0) {
      lines.push([]);
      x = 0;
    }
    lines.at(-1).push({ ...word, x });
    x += wide + space;
  }
  return lines;
}

function drawPictures(pen, { clean, changed, name }) {
  [[clean, "Clean"], [changed, name]].forEach(([picture, caption], i) => {
    drawCaptioned(pen, picture, caption, { left: CARD_EDGE + i * (CARD_PICTURE + 22), top: 166, side: CARD_PICTURE });
  });
}

/** A square picture with a caption on it. */
export function drawCaptioned(pen, picture, caption, { left, top, side }) {
  pen.context.imageSmoothingQuality = "high";
  pen.context.drawImage(picture, left, top, side, side);
  pen.font(18);
  const wide = Math.min(side - 24, pen.context.measureText(caption).width + 24);
  pen.context.fillStyle = "rgb(15 17 19 / 74%)";
  pen.context.fillRect(left + 12, top + 12, wide, 34);
  pen.write(caption, left + 24, top + 35, { colour: "#ffffff", width: wide - 24 });
}

function drawNumbers(pen, { tiles, like }) {
  BELIEVE_ROWS.forEach((tile, i) => {
    const top = 166 + i * 132;
    const place = ROWS.tiles.indexOf(tile);
    const { value } = tiles[place];
    pen.context.fillStyle = pen.palette[tile.family];
    pen.context.fillRect(CARD_COLUMN, top, 5, 112);
    pen.write(tile.label, CARD_COLUMN + 22, top + 22, { size: 19, weight: 650, colour: tile.family });
    const unit = typeof value === "number" && tile.unit ? ` ${tile.unit}` : "";
    pen.write(`${formatted(value, tile.decimals)}${unit}`, CARD_COLUMN + 22, top + 70, { size: 46, weight: 650 });
    const read = like[place];
    if (read?.text) pen.write(`reads as a ${blurOf(read)}`, CARD_COLUMN + 22, top + 104, { colour: "muted", width: 288 });
  });
}

function drawAxis(pen, { like, view }) {
  const [left, right, end] = [CARD_EDGE + 96, CARD_EDGE + 846, CARD_EDGE + 2 * CARD_PICTURE + 22];
  const [top, high] = [730, 38];
  const bottom = top + high * BELIEVE_ROWS.length;
  const x = (degree) => left + ((right - left) * degree) / ROWS.degrees[1];
  pen.write("How blurred does each measure think this is?", CARD_EDGE, 686, { size: 20, weight: 650 });
  pen.context.fillStyle = pen.palette.well;
  pen.context.fillRect(right, top, end - right, bottom - top);
  for (const degree of [0, 25, 50, 75, 100]) {
    pen.line([[x(degree), top], [x(degree), bottom]], { colour: "line", wide: 1 });
    pen.write(degree ? `${degree}` : "0 px", x(degree), bottom + 22, { size: 16, colour: "muted", align: "center" });
  }
  pen.write("over 100", end, bottom + 22, { size: 16, colour: "muted", align: "right" });
  pen.line([[x(view.degree), top - 6], [x(view.degree), bottom]], { dashes: [6, 4] });
  pen.write(`real blur ${view.degree} px`, Math.max(x(view.degree), left + 54), top - 11, { size: 16, weight: 650, align: "center" });
  BELIEVE_ROWS.forEach((tile, i) => {
    const y = top + (i + 0.5) * high;
    pen.write(tile.short, CARD_EDGE, y + 6, { weight: 650, colour: tile.family });
    const found = like[ROWS.tiles.indexOf(tile)];
    if (found?.text) drawReading(pen, tile, found, { x, y, from: x(view.degree), beyond: (right + end) / 2, end });
  });
}

function drawReading(pen, { family }, found, { x, y, from, beyond, end }) {
  const places = placesOf(found, x, beyond);
  pen.line([[from, y], [places.at(-1), y]], { colour: family, wide: 2.5, dashes: family === "pixels" ? [7, 5] : [] });
  pen.context.fillStyle = pen.palette[family];
  for (const place of places) {
    pen.context.beginPath();
    if (family === "pixels") pen.context.rect(place - 8, y - 8, 16, 16);
    else pen.context.arc(place, y, 9, 0, 2 * Math.PI);
    pen.context.fill();
  }
  if (found.side === "beyond") return;
  const after = Math.max(places.at(-1), from) + 18;
  pen.font(18, 650);
  const fits = after + pen.context.measureText(found.text).width < end;
  pen.write(found.text, fits ? after : end, fits ? y + 6 : y - 12, { weight: 650, align: fits ? "left" : "right" });
}

/** Recogniser, protocol, crop and kernel stand beside the numbers, here too. */
function drawSettings(pen, { data, view, address }) {
  const { recogniser, kernel } = data;
  const lines = [
    `degree ${view.degree}, angle ${shown(view.angle)}°, shift ${shown(view.shift_x)}, ${shown(view.shift_y)}`,
    `kernel ${kernel}, ${recogniser.label || "no recogniser"}`,
    `protocol ${recogniser.protocol}, crop ${recogniser.crop}`,
  ];
  lines.forEach((line, i) => pen.write(line, CARD_COLUMN, 600 + i * 24, { size: 16, colour: "muted", width: 310 }));
  if (!address) return;
  pen.write("Try it yourself:", CARD_COLUMN, 716, { size: 17, weight: 650 });
  pen.font(16);
  brokenAnywhere(pen, address.replace(/^https?:\/\//, ""), 310).slice(0, 5)
    .forEach((line, i) => pen.write(line, CARD_COLUMN, 742 + i * 22, { size: 16 }));
}

/** A text without spaces in lines of a width. */
function brokenAnywhere(pen, text, width) {
  const lines = [""];
  for (const sign of text) {
    if (pen.context.measureText(lines.at(-1) + sign).width > width) lines.push("");
    lines[lines.length - 1] += sign;
  }
  return lines;
}
