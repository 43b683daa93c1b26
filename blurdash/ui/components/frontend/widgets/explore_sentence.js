// @module explore sentence: what was done to the picture and what each measure makes of it, read off the
// numbers beneath: what blurdash/sentences_explore.py says (tests hold one against the other).

import { ROWS } from "../rows.js";
import { LEAST_SAID, endsOf, isBelow, nearestTo, wholePx } from "./equivalents.js";
import { listed, shown } from "./texts.js";

const NEAR_PX = 3; // a reading is right within so many px
const NEAR_SHARE = 0.1; // or such a share
const FOOLED_PX = 20; // a shift fools where it reads as so much
const NEAR_THE_END = 97;

/**
 * @param {object} seen
 * @param {object} seen.view where the sliders are
 * @param {object} seen.readings by measure the blur that it takes the picture for (equivalents.js)
 * @param {boolean|null} seen.same whether both count as one person by a published threshold; null where
 *   there is none
 * @param {boolean} seen.drawn whether the kernel draws its own angle here
 * @param {number|null} seen.source width of the face in its photo, px, where that is too small
 * @returns {{case: string, kind: string, truth: string, parts: string[][]}} as Python sends it
 */
export function exploreSentence(seen) {
  const { view, source } = seen;
  const [kind, truth] = truthOf(view);
  const moved = view.shift_x || view.shift_y;
  const told = new Told(seen);
  const [name, rest] = moved && !told.order.length ? ["unmeasured", ""] : CASES[kind](seen, told);
  const small = source ? ` Cut from ${wholePx(source)} px of its photo: blurred before we began.` : "";
  return { case: name, kind, truth, parts: coloured(`${rest}${small}`.trim()) };
}

/** What is said of a photo that no face was found in, by the name that its owner gave it. */
export function facelessSentence(name) {
  return { case: "noface", kind: "noface", truth: `No face was found in ${name || "the camera's picture"}.`,
    parts: [["You still see the last face, and its numbers.", ""]] };
}

/** Of which kind a change is, and what was done, as a sentence. */
export function truthOf({ degree, shift_x: right, shift_y: down }) {
  const across = `${shown(Math.abs(right))} px`;
  const along = `${shown(Math.abs(down))} px ${down > 0 ? "down" : "up"}`;
  let moved = down ? along : across;
  if (right && down) moved = `${across} ${right > 0 ? "right" : "left"} and ${along}`;
  if (!right && !down) return degree ? ["blur", `Blurred by ${degree} px, not moved.`] : ["none", "Twice the same picture."];
  return degree ? ["both", `Blurred by ${degree} px and moved by ${moved}.`] : ["shift", `Not blurred at all, only moved by ${moved}.`];
}

/** A text in pieces, each with the family that a word belongs to; empty for none. */
export function coloured(text) {
  const families = Object.fromEntries(ROWS.claim.map(({ word, family }) => [word.toLowerCase(), family]));
  const words = new RegExp(`(${Object.keys(families).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "i");
  return text.split(words).filter(Boolean).map((piece) => [piece, families[piece.toLowerCase()] ?? ""]);
}

// ---- one function for each kind ----

const CASES = {
  none: () => ["none", "Every measure says so."],

  blur({ view, same, drawn }) {
    if (drawn) return ["one", "The study draws its angle by lot."];
    if (same === false) return ["stranger", "So blurred that the recogniser no longer takes it for the same person."];
    return ["ruler", `Here all measures read ${view.degree} px, by definition: this is their ruler.`];
  },

  shift(_, told) {
    if (told.all(isBelow)) return ["tiny", "Hardly anyone minds: every measure reads below 10 px."];
    if (told.all(isOver)) return ["allover", "To every measure that is a blur of over 100 px: all are wrong."];
    if (told.agree()) return ["agree", `All take it for a blur of ${told.about()}: they agree, and are wrong.`];
    if (told.embeddingIsFirst()) return ["worst", `This time the embedding is the worst: ${told.own.text}. ${told.readings("reads")}`];
    if (told.own && endsOf(told.own)[0] >= FOOLED_PX) {
      return ["fooled", `${told.readings("takes it for")} The embedding is fooled too: ${told.own.text}.`];
    }
    return ["split", told.readings("takes it for", told.order)];
  },

  both({ view: { degree } }, told) {
    if (told.all(isBelow)) return ["tiny2", "Too little for the ruler: every measure reads below 10 px."];
    const over = told.order.filter(({ found }) => isOver(found)).map(({ word }) => word);
    if (degree >= NEAR_THE_END && over.length) return ["end", `The ruler ends at 100 px: ${listed(over)} can only say “over”.`];
    if (told.all((found) => told.isNear(found))) return ["right", "All read the blur about right: the move hardly counts."];
    if (told.all(isOver)) return ["allover2", "Every measure is off its scale: over 100 px."];
    if (told.own) {
      const { text } = told.own;
      if (told.isNear(told.own)) return ["embright", `The embedding reads ${text}, about right. ${told.readings("takes it for")}`];
      if (endsOf(told.own)[1] < degree) return ["embless", `The embedding reads less than there is: ${text}. ${told.readings("reads")}`];
      if (told.embeddingIsFirst()) return ["worst2", `The embedding exaggerates most: ${text}. ${told.readings("reads")}`];
    }
    return ["split2", told.readings("takes it for", told.order)];
  },
};

function isOver({ side }) {
  return side === "beyond";
}

/** What each measure reads, the largest error first. */
class Told {
  constructor({ view, readings }) {
    this.degree = view.degree;
    const known = ROWS.claim.filter(({ measure }) => readings[measure]);
    // All of them, or none: a sentence does not speak of those that happen to be known.
    this.order = known.length < ROWS.claim.length ? [] : known.map((row) => ({ ...row, found: readings[row.measure] }))
      .sort((a, b) => nearestTo(b.found, this.degree) - nearestTo(a.found, this.degree));
    this.own = this.order.find(({ measure }) => measure === ROWS.embedding)?.found ?? null;
    this.others = this.order.filter(({ measure }) => measure !== ROWS.embedding);
  }

  all(holds) {
    return this.order.every(({ found }) => holds(found));
  }

  isNear(found) {
    return !isOver(found) && Math.abs(nearestTo(found, this.degree) - this.degree) <= Math.max(NEAR_PX, NEAR_SHARE * this.degree);
  }

  /** Whether all of them read about the same, each one blur. */
  agree() {
    if (!this.all(({ ranges }) => ranges.length === 1)) return false;
    const degrees = this.order.map(({ found }) => nearestTo(found, this.degree));
    return degrees[0] - degrees.at(-1) <= Math.max(NEAR_PX, NEAR_SHARE * degrees[0]);
  }

  about() {
    const middle = nearestTo(this.order[this.order.length >> 1].found, this.degree);
    return `about ${middle >= LEAST_SAID ? wholePx(middle) : LEAST_SAID} px`;
  }

  /** Whether the embedding reads more than any other, also as it is shown. */
  embeddingIsFirst() {
    if (!this.own) return false;
    const most = Math.max(...this.others.map(({ found }) => endsOf(found)[1]));
    return endsOf(this.own)[0] > most && this.others.every(({ found }) => found.text !== this.own.text);
  }

  /** What measures read, equal readings together; without any named, the pixel measures. */
  readings(verb, rows = this.others) {
    const groups = new Map();
    for (const { word, found } of rows) groups.set(found.text, [...(groups.get(found.text) ?? []), word]);
    const parts = [];
    for (const [text, words] of groups) {
      const said = text.startsWith("below") ? text : `of ${text}`;
      const does = words.length > 1 ? verb.replace("reads", "read").replace("takes", "take") : verb;
      parts.push(parts.length ? `${listed(words)} ${said}` : `${listed(words)} ${does} a blur ${said}`);
    }
    const joined = parts.join(parts.length < 3 ? " and " : ", ");
    return `${joined[0].toUpperCase()}${joined.slice(1)}.`;
  }
}
