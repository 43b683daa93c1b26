// @module argument sentences: what stands above two pictures' numbers, read off them as they are shown: what
// blurdash/sentences.py says (tests hold one against the other).

import { ROWS } from "../rows.js";
import { LEAST_SAID, wholePx } from "./equivalents.js";
import { asSent, formatted, listed, significant } from "./texts.js";

const SIDE_SHARP = 0;
const SIDE_BLURRED = 1;
const NOT_FOUND = "In one of the two pictures no face is found: the recogniser has no number for it.";

/**
 * What a measure says of two pictures, as a person reads it.
 * @param {object} measure of ROWS.argument.measures
 * @param {boolean} alike whether the pictures are twins to this measure
 * @returns {{measure: object, texts: string[], side: number|null, known: boolean, alike: boolean}} `side`: the
 *   one that it prefers
 */
export function shownRow(measure, first, second, alike = false) {
  const texts = [first, second].map((value) => valueText(measure, value));
  const known = [first, second].every((value) => typeof value === "number" && !Number.isNaN(value));
  if (!known || alike || texts[0] === texts[1]) return { measure, texts, side: null, known, alike };
  return { measure, texts, side: first > second === measure.higher ? 0 : 1, known, alike };
}

/** A number of a measure as it is read. */
export function valueText({ decimals, unit }, value, withUnit = false) {
  if (typeof value !== "number" || Number.isNaN(value)) return "–";
  return formatted(asSent(value), decimals) + (unit && withUnit ? ` ${unit}` : "");
}

/** The rows of what the argument claims, of two pictures that have their numbers by measure. */
export function claimRows(first, second, names = ROWS.claim.map(({ measure }) => measure), alike = "") {
  return names.map(measureCalled).filter(({ measure }) => measure in first && measure in second)
    .map((row) => shownRow(row, first[row.measure], second[row.measure], row.measure === alike));
}

export function measureCalled(name) {
  return ROWS.argument.measures.find(({ measure }) => measure === name);
}

/** Who prefers which of two pictures, those who prefer neither included. */
export function preferencesSentence(rows, pictures) {
  const words = (some) => some.map(({ measure }) => measure.word);
  const parts = [SIDE_BLURRED, SIDE_SHARP].map((side) => [words(rows.filter((row) => row.side === side)), pictures[side]])
    .filter(([names]) => names.length).map(([names, picture]) => `${listed(names)} ${prefer(names)} ${picture}`);
  const ties = words(rows.filter(isTie));
  if (ties.length && !parts.length) return `To ${listed(ties)} both are alike.`;
  if (ties.length) parts.push(`to ${listed(ties)} both are alike`);
  const missing = words(rows.filter(({ known }) => !known));
  if (missing.length) parts.push(`${listed(missing)} ${missing.length === 1 ? "has" : "have"} no value`);
  return parts.length ? asSentence(parts.join("; ")) : "Nothing is measured yet.";
}

function isTie({ known, side }) {
  return known && side === null;
}

function prefer(names) {
  return names.length > 1 ? "prefer" : "prefers";
}

// ---- what was done ----

function movedWords({ x, y, rotation, scale }) {
  const far = Math.hypot(x, y);
  return [
    far > 0 && `moved by ${significant(far, 3)} px`,
    rotation !== 0 && `turned by ${significant(Math.abs(rotation), 3)}°`,
    scale !== 1 && `scaled to ${significant(100 * scale, 4)} %`,
  ].filter(Boolean);
}

function lightWords({ gain, noise }) {
  return [
    gain !== 1 && `${gain > 1 ? "brightened" : "darkened"} to ${significant(100 * gain, 4)} %`,
    noise !== 0 && `with noise of ${significant(noise, 3)} grey levels`,
  ].filter(Boolean);
}

function doneToSharp(sharp) {
  const words = [...movedWords(sharp), ...lightWords(sharp)];
  if (!words.length) return "the photo itself, unchanged";
  const movedOnly = words.length === 1 && (sharp.x || sharp.y);
  return movedOnly ? `the photo itself, ${words[0]} of 1024` : `the photo, not blurred, but ${listed(words)}`;
}

function doneToBlurred(degree) {
  return degree ? `blurred over ${significant(degree, 6)} px` : "the photo itself, unchanged";
}

/** What was done to the sharp picture, as things. */
function nouns({ x, y, rotation, scale, gain, noise }) {
  const pairs = [["shift", x || y], ["turn", rotation], ["change of size", scale !== 1], ["change of brightness", gain !== 1], ["noise", noise]];
  return pairs.filter(([, isSo]) => isSo).map(([noun]) => noun);
}

/** Why a pixel measure calls a sharp picture worse, of what is in play. */
function causes(sharp) {
  return listed([
    movedWords(sharp).length && "an edge that moved counts as an edge that is wrong",
    sharp.gain !== 1 && "another brightness counts at every pixel",
    sharp.noise && "every grain of noise counts as an error",
  ].filter(Boolean));
}

function advice(sharp) {
  return `${sharp.x || sharp.y ? "move it further" : `give it more ${nouns(sharp)[0]}`}, or blur less`;
}

// ---- the scenes ----

/** Where a picture is the clean one itself, there is nothing to argue about. */
function specialSentence(rows, sharp, degree) {
  const changed = nouns(sharp).length > 0;
  if (!changed && !degree) return `Both pictures are the clean one. ${preferencesSentence(rows, ["", ""])}`;
  const said = preferencesSentence(rows, ["the sharp one", "the blurred one"]);
  if (!degree) return `The picture that is to be blurred is not: it is the clean one. ${said}`;
  return changed ? "" : `The sharp picture is the clean one, unchanged. ${said}`;
}

/**
 * What PSNR and SSIM make of a sharp, disturbed picture against a blurred one.
 * @param {object[]} rows of the claim, the sharp picture first
 * @param {object} sharp what was done to the sharp picture
 * @param {number} degree length of the other's blur, px
 */
export function pixelsSentence(rows, sharp, degree) {
  const pixels = rows.filter(({ measure }) => measure.measure !== ROWS.embedding);
  const special = specialSentence(pixels, sharp, degree);
  if (special) return special;
  const words = (holds) => pixels.filter(holds).map(({ measure }) => measure.word);
  const [fooled, kept] = [SIDE_BLURRED, SIDE_SHARP].map((side) => words((row) => row.side === side));
  const ties = words(isTie);
  if (!fooled.length) return notFooled(kept, ties, sharp);
  let rest = "";
  if (kept.length) rest = `; ${listed(kept)} does not`;
  else if (ties.length) rest = `; to ${listed(ties)} both are alike`;
  return `${listed(fooled)} ${prefer(fooled)} the blurred picture: ${causes(sharp)}${rest}.`;
}

function notFooled(kept, ties, sharp) {
  if (!kept.length) return ties.length ? `To ${listed(ties)} both pictures are alike.` : "Nothing is measured yet.";
  const alike = ties.length ? `; to ${listed(ties)} both are alike` : "";
  return `Here ${listed(kept)} ${prefer(kept)} the sharp picture${alike}: ${advice(sharp)}.`;
}

/** What the recogniser makes of a sharp, disturbed picture against a blurred one. */
export function embeddingSentence(row, sharp, degree) {
  if (!row.known) return NOT_FOUND;
  const special = specialSentence([row], sharp, degree);
  if (special) return special;
  const [first, second] = row.texts;
  if (row.side === null) return `To the recogniser both pictures are equally close: ${first} and ${second}.`;
  if (row.side === SIDE_SHARP) return `To the recogniser the sharp picture is the closer one: ${first} against ${second}.`;
  const things = nouns(sharp);
  const what = things.length === 1 ? `this ${things[0]} does` : `${listed(things)} do`;
  return `Here the recogniser prefers the blurred picture, ${second} against ${first}: this blur changes the embedding less than ${what}.`;
}

/** What is told after a blind vote: what each picture is, and by how much it is off. */
export function voteSentences(rows, sharp, degree, pictures) {
  const done = { sharp: doneToSharp(sharp), blurred: doneToBlurred(degree) };
  const [first, second] = pictures.map((which) => done[which]);
  const lines = [`A is ${first}. B is ${second}.`];
  const pixel = rows.filter(({ measure }) => measure.measure !== ROWS.embedding);
  if (degree && nouns(sharp).length && pixel.length && pixel.every(({ side }) => side === SIDE_BLURRED)) {
    const marks = listed(pixel.map((row) => `${row.measure.word} by ${differenceOf(row)}`));
    lines.push(`The blurred one gets the better mark, from ${marks}.`);
  }
  return lines;
}

/** By how much the numbers that are shown differ. */
function differenceOf({ measure, texts }) {
  const [one, other] = texts.map((text) => (text === "∞" ? Infinity : Number(text)));
  return valueText(measure, Math.abs(one - other), true);
}

/**
 * What two blurs of other angles cost, by their true lengths.
 * @param {object} row of the cosine similarity
 * @param {{degree: number, angle: number, length: string}[]} blurs in the row's order; `length` as it is shown
 */
export function angleSentence(row, blurs) {
  if (!row) return "Does the same length of blur cost as much of the face at every angle?";
  if (!row.known) return NOT_FOUND;
  if (row.side === null) return `To the recogniser both blurs leave as much of the face: ${row.texts[0]}.`;
  const [kept, lost] = [blurs[row.side], blurs[1 - row.side]];
  const longer = Number(kept.length) - Number(lost.length);
  let head = `The ${longer > 0 ? "longer" : "shorter"} blur leaves more of the face`;
  if (!longer) head = "Two blurs of one length, and one leaves more of the face";
  else if (longer < 0 && kept.degree > lost.degree) head = "The larger degree is truly the shorter blur, and leaves more of the face";
  return `${head}: ${keptWords(kept, row.texts[row.side])}; ${keptWords(lost, row.texts[1 - row.side])}.`;
}

function keptWords({ degree, angle, length }, value) {
  const truly = Number(length) === degree ? "" : `, truly ${length} px long`; // of an exact line the degree is it
  return `${degree} px at ${significant(angle, 6).replace("-", "−")}°${truly}, keeps ${value}`;
}

/** Against which blurs the embedding takes the blurred picture for the closer one; of an equivalent. */
export function failsBelow({ ranges, side, last }) {
  if (!ranges.length) {
    return side === "beyond"
      ? `For no blur of this face up to ${last} px does the embedding prefer the sharp picture here.`
      : "Against every blur of this face the embedding prefers the sharp picture here.";
  }
  const [low, high] = [ranges[0][0], ranges.at(-1)[1]].map((end) => wholePx(Math.max(end, LEAST_SAID)));
  const beside = low === high ? "" : `, and now and then up to ${high} px`;
  return `With a blur below ${low} px the embedding, too, prefers the blurred picture${beside}. Move Degree and see.`;
}

function asSentence(text) {
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}
