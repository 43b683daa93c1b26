// @module argument press: what there is to see at one press: the rows that have come, as the pictures hang, what
// stands beside them, and the headline, which is read off those rows.

import { ROWS } from "../rows.js";
import { headlineOf } from "../widgets/argument_headline.js";
import { homeLines } from "./argument_home.js";
import { hungVerdict, otherMeasures, shownMeasures } from "./argument_rows.js";

const SAID_ELSEWHERE = new Set(["two-pictures", "sceptic", "take-home"]); // what to see stands in other panels
// What is to be seen at a press whose number has not all come yet, or that is about a map.
const SEEN_AT = {
  pixels: ["Ink is the squared error against the clean photo, pixel by pixel: PSNR counts nothing else."],
  embedding: [null, "Each patch of the picture is hidden in turn. Where there is more ink, hiding it moves the recogniser's number more."],
};
const FAILS_STEP = 2; // of the embedding's scene
const NOT_KNOWN = "···";

/** One press of one scene. */
export class Press {
  /**
   * @param {object} told
   * @param {object} told.data what the server says of the scene
   * @param {string} told.see its sentence, of the numbers that are shown
   * @param {object[]} told.all its panels, of the same numbers
   * @param {number} told.step how many presses have come inside the scene
   * @param {object} told.sliders where they were for these numbers
   * @param {object} told.done those of the pair, where they are now
   * @param {object|null} told.room what the room says of the pair; null before the vote has ended
   * @param {string[]} told.registered pixel measures that side with the sharp picture once both are registered
   * @param {() => number|null} told.from from which blur on the embedding sides with the sharp picture
   */
  constructor(told) {
    Object.assign(this, told);
    this.scene = told.data.scene;
  }

  /** The panels as this press has them; `painted` says what a search does to their buttons. */
  panels(painted) {
    const { data, scene, step } = this;
    const verdict = this.verdict();
    const rest = this.all.filter((panel) => this.comes(panel)).map(painted);
    if (!verdict || !shownMeasures(scene, 0)) return rest;
    const page = { scene, step, swapped: data.swapped, room: this.room };
    const hung = hungVerdict(verdict, page);
    if (scene === "take-home") return [hung, ...this.takeHome(verdict, hung)];
    const more = otherMeasures(verdict, page);
    const said = SAID_ELSEWHERE.has(scene) ? [] : [{ kind: "notes", title: "What to see", lines: [SEEN_AT[scene]?.[step] ?? this.see] }];
    return [hung, ...said, ...(more ? [more] : []), ...rest.map((panel) => (panel.kind === "four" ? { ...panel, at: step } : panel))];
  }

  /** What stands on top of it all. */
  headline() {
    const { data, scene, step, sliders } = this;
    const audit = this.all.find(({ kind, head }) => kind === "table" && head.length === 3);
    const lengths = audit?.rows.find(({ cells }) => cells[0] === "True length")?.cells.slice(1).map(parseFloat) ?? [];
    return headlineOf({ scene, step, room: this.room ?? { counts: [0, 0] }, rows: this.choices(this.verdict()), before: this.choices(this.verdict(0)),
      sharp: Number(Boolean(data.swapped)), degree: sliders.degree, lengths, otherwise: this.see });
  }

  /** The table of the pair; of the sceptic's four ways the one that a press has come to. */
  verdict(step = this.step) {
    const four = this.all.find(({ kind }) => kind === "four");
    return four ? four.ways[step] : this.all.find(({ kind }) => kind === "verdict");
  }

  /** Rows as they are read in sentences; none while they are computed. */
  choices(verdict, swapped = this.data.swapped) {
    const { scene, step } = this;
    if (!verdict || !shownMeasures(scene, step)) return [];
    return hungVerdict(verdict, { scene, step, swapped, room: null }).rows.filter(({ cells }) => !cells.includes(NOT_KNOWN)).map(asChoice);
  }

  /** What to take home of the pair, and what to carry away. */
  takeHome(verdict, hung) {
    const { data, sliders, registered, done } = this;
    const rows = this.choices(verdict, false);
    return [{ kind: "home", lines: homeLines({ rows, sliders, from: this.from(), registered }) },
      { kind: "carry", alone: Boolean(data.alone), rows: hung.rows, facts: data.facts, sliders: done }];
  }

  /** Whether a panel is shown at this press: where the claim weakens is told where it is seen. */
  comes({ kind, about, fails, small }) {
    const { scene, step } = this;
    if (kind === "verdict" || kind === "maps") return false;
    if (about === "fails") return step === FAILS_STEP;
    if (scene === "sceptic" && fails) return step > 0;
    return !(small && scene === "pixels" && step === 0);
  }
}

function asChoice({ test, family, wins, cells }) {
  const { word } = ROWS.argument.measures.find(({ measure }) => `argue-${measure}` === test);
  return { word, pixels: family === "pixels", side: wins === null ? null : wins - 1, known: !cells.includes("–") };
}
