// @module argument headline: what stands on top of Argument, read off the very rows beneath the pictures and
// the room's count: it says nothing that they deny, and of a row that has not come it says nothing.

import { listed } from "./texts.js";

const LETTERS = ["A", "B"];

/**
 * @param {object} told
 * @param {string} told.scene
 * @param {number} told.step how many presses inside it
 * @param {object} told.room what the room said: `counts` for A and B, and `asked`: whether about this pair
 * @param {{word: string, pixels: boolean, side: number|null, known: boolean}[]} told.rows those that are
 *   shown; `side`: the picture preferred, 0 for A
 * @param {number} told.sharp which picture is the sharp one, 0 for A; of two blurs it means nothing
 * @param {number} told.degree length of the other's blur, px
 * @param {object[]} told.before the rows before anything was done to how the pair is measured
 * @param {number[]} told.lengths true lengths of two blurs, as they are shown, px
 * @param {string} told.otherwise what is said where there is nothing to read off
 * @returns {string}
 */
export function headlineOf(told) {
  return HEADLINES[told.scene]?.(told) ?? told.otherwise;
}

const HEADLINES = {
  "two-pictures": (told) => (told.step ? roomsVote(told) : null),
  pixels: (told) => (told.rows.length ? choices(told) : null),
  embedding: (told) => {
    if (!told.rows.length) return null;
    return [choices, () => "What the recogniser looks at: where it is hidden, its number changes most.", whereItFails][told.step](told);
  },
  sceptic: (told) => (told.rows.length ? `${WAYS_SAID[told.step]}: ${changesOf(told)}` : null),
  "take-home": (told) => (told.rows.length ? takenHome(told) : null),
  angle: (told) => (told.rows.length ? `${longerBlur(told.lengths)} ${choices({ ...told, room: { counts: [0, 0] } })}` : null),
};

const WAYS_SAID = ["As they are", "Registered first", "The face detected again", "Both"];

/** Whose mind a way to measure has changed, and who chose which picture now. */
function changesOf({ step, rows, before }) {
  const now = choices({ room: { counts: [0, 0] }, rows });
  if (!step || !before?.length) return now[0].toLowerCase() === now[0] || /^(PSNR|SSIM)/.test(now) ? now : now[0].toLowerCase() + now.slice(1);
  const changed = rows.filter((row) => before.some(({ word, side }) => word === row.word && side !== row.side)).map(({ word }) => word);
  const minds = changed.length > 1 ? "change their minds" : "changes its mind";
  return changed.length ? `${listed(changed)} ${minds}. ${now}` : `nobody changes sides. ${now}`;
}

/** What the room said, and who agreed. */
function takenHome({ room, rows, sharp }) {
  const winner = room.asked === false ? null : winnerOf(room);
  if (winner === null) return choices({ room: { counts: [0, 0] }, rows });
  const total = room.counts[0] + room.counts[1];
  const words = (holds) => rows.filter(holds).map(({ word }) => word);
  const [agree, others] = [words(({ side }) => side === winner), words(({ known, side }) => known && side !== winner)];
  const parts = [`${room.counts[winner]} of ${total} chose ${LETTERS[winner]}, the ${winner === sharp ? "sharp" : "blurred"} one.`];
  if (agree.length) parts.push(`So did ${listed(agree)}.`);
  if (others.length) parts.push(`${listed(others)} did not.`);
  return parts.map((part) => part[0].toUpperCase() + part.slice(1)).join(" ");
}

function winnerOf({ counts: [left, right] }) {
  return left === right ? null : Number(right > left);
}

/** What the room chose, and which picture that is. */
function roomsVote({ room, sharp }) {
  const { counts } = room;
  const total = counts[0] + counts[1];
  const which = (side) => `${LETTERS[side]}, the ${side === sharp ? "sharp" : "blurred"} one`;
  if (!total) return `Nobody voted. The sharp one is ${LETTERS[sharp]}.`;
  const winner = winnerOf(room);
  if (winner === null) return `You are split, ${counts[0]} and ${counts[1]}. The sharp one is ${LETTERS[sharp]}.`;
  return `${counts[winner]} of ${total} chose ${which(winner)}.`;
}

/** Who chose which picture: the room first, then whoever agrees with it, then the others. */
function choices({ room, rows }) {
  const parts = [];
  const winner = room.asked === false ? null : winnerOf(room);
  const chose = (side) => rows.filter((row) => row.side === side).map(({ word }) => word);
  const said = (side, all) => {
    const words = chose(side);
    if (words.length) parts.push(`${all && words.length === 3 ? "All three" : listed(words)} chose ${LETTERS[side]}.`);
  };
  if (winner !== null) {
    parts.push(`${room.counts[winner]} of you chose ${LETTERS[winner]}.`);
    const agree = chose(winner);
    if (agree.length) parts.push(`So did ${listed(agree)}.`);
    said(1 - winner);
  } else {
    if (room.asked !== false && room.counts[0]) parts.push(`You are split, ${room.counts[0]} and ${room.counts[1]}.`);
    for (const side of sidesInOrder(rows)) said(side, true);
  }
  const ties = rows.filter(({ known, side }) => known && side === null).map(({ word }) => word);
  if (ties.length) parts.push(`To ${listed(ties)} both are alike.`);
  const silent = rows.filter(({ known }) => !known).map(({ word }) => word);
  if (silent.length) parts.push(`${listed(silent)} ${silent.length > 1 ? "have" : "has"} no number.`);
  return parts.map((part) => part[0].toUpperCase() + part.slice(1)).join(" ");
}

/** The side that the first row prefers, then the other. */
function sidesInOrder(rows) {
  const first = rows.find(({ side }) => side !== null)?.side ?? 0;
  return [first, 1 - first];
}

function whereItFails({ rows, sharp, degree }) {
  const own = rows.find(({ pixels }) => !pixels);
  if (!own) return null;
  const against = `against a blur of ${degree} px`;
  if (!own.known) return `${against[0].toUpperCase()}${against.slice(1)} the embedding has no number.`;
  if (own.side === null) return `Against a blur of ${degree} px the embedding sees no difference.`;
  if (own.side === sharp) return `Against a blur of ${degree} px the embedding stays with the sharp one.`;
  const too = rows.some(({ pixels, side }) => pixels && side === 1 - sharp) ? "the embedding, too," : "the embedding";
  return `It fails here: ${against} ${too} chose the blurred one.`;
}

/** Which of two blurs is truly longer, and by how much, as their lengths are shown. */
function longerBlur([one, other]) {
  const longer = Math.abs(one - other);
  if (!longer) return "Both blurs are truly of one length.";
  const text = longer >= 1 ? Math.round(longer) : Math.round(10 * longer) / 10;
  return `The blur of ${LETTERS[Number(other > one)]} is truly ${text} px longer.`;
}
