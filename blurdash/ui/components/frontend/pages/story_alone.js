// @module story alone: the story in one file: which scene is told, the vote, and how often it is so.

import { ROWS } from "../rows.js";

const VOTE_SCENE = "two-pictures";
const OFTEN_SCENE = "how-often";

/** Where somebody is in the story, and what the page is told of it. */
export class StoryAlone {
  /** @param {string} scene where it starts; of another page: at the first one */
  constructor(scene) {
    this.scene = scene;
    this.acted = 0;
    this.limit = ROWS.argument.limit;
    this.newRound();
  }

  /** Takes the scenes of a kernel (blurdash/ui/one_file/story.py). */
  take(part) {
    if (this.part && this.part !== part) this.newRound(); // nobody voted on these pictures
    this.part = part;
    if (!Object.hasOwn(part.scenes, this.scene)) this.scene = VOTE_SCENE;
  }

  newRound() {
    this.revealed = false;
    this.mine = null;
    this.swapped = Math.random() < 0.5 ? 0 : 1;
  }

  enter(scene) {
    if (Object.hasOwn(this.part.scenes, scene)) this.scene = scene;
    return this.data();
  }

  act(name, value, number) {
    const [shortest, longest] = ROWS.argument.limits;
    this.acted = number;
    if (name === "vote" && !this.revealed) this.mine = value === 1 ? 1 : 0;
    if (name === "reveal") this.revealed = true;
    if (name === "round") this.newRound();
    if (name === "limit" && Number.isFinite(value)) this.limit = Math.min(Math.max(value, shortest), longest);
    return this.data();
  }

  /** What is known of where the sliders are; of most scenes the page finds that itself. */
  answer(position, ack) {
    const data = this.data();
    if (data.pictures.length) return { ack };
    return { ...data, ...(this.scene === OFTEN_SCENE ? this.often(position) : {}), pos: position, ack };
  }

  data() {
    const { acted, scene } = this;
    const data = { ...(scene === VOTE_SCENE ? this.vote() : this.part.scenes[scene]), acted };
    data.panels = data.panels.map((panel) => (panel.limit === undefined ? panel : { ...panel, limit: this.limit }));
    return scene === OFTEN_SCENE ? { ...data, ...this.often(data.pos) } : data;
  }

  vote() {
    const { revealed, mine, swapped } = this;
    const data = this.part.scenes[VOTE_SCENE][revealed ? "revealed" : "hidden"][swapped];
    const total = mine === null ? 0 : 1;
    const counts = [0, 1].map((side) => (mine === side ? 1 : 0));
    const panels = data.panels.map((panel) => {
      if (panel.kind === "vote") return { ...panel, total: total ? "1 vote" : "no votes yet" };
      return panel.kind === "verdict" ? { ...panel, rows: panel.rows.map((row) => (row.family === "room" ? roomRow(row, counts, data.pictures) : row)) } : panel;
    });
    return { ...data, panels, vote: { revealed, mine, counts: revealed ? counts : [0, 0], total } };
  }

  /** The cell of the map that the sliders are nearest to, and what is said of it. */
  often(position) {
    const { often, scenes } = this.part;
    if (!often) return {};
    const value = (name) => position[ROWS.sliders.argument.findIndex((row) => row.name === name)];
    const place = [nearestOf(often.shifts, Math.hypot(value("x"), value("y"))), nearestOf(often.degrees, value("degree"))];
    const [see, lines] = often.said[place[0]][place[1]];
    return { see, panels: [{ kind: "flips", ...often, said: null, place }, ...scenes[OFTEN_SCENE].panels.map((panel) => ({ ...panel, lines }))] };
  }
}

function nearestOf(values, wanted) {
  return values.reduce((best, one, i) => (Math.abs(one - wanted) < Math.abs(values[best] - wanted) ? i : best), 0);
}

/** The room's votes beneath both pictures. */
function roomRow(row, counts, heads) {
  const [left, right] = counts;
  const side = left === right ? null : Number(right > left);
  const prefers = side === null ? (left ? "neither" : "no votes") : heads[side];
  return { ...row, cells: [row.cells[0], String(left), String(right), prefers], wins: side === null ? null : side + 1, total: left + right };
}
