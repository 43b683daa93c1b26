// @module story alone: the story in one file: which scene is told, the vote, and how often it is so.

import { ROWS } from "../rows.js";

const VOTE_SCENE = "two-pictures";
const OFTEN_SCENE = "how-often";
const SCEPTIC_SCENE = "sceptic";
const DISTURBED_SCENE = "pixels"; // with every slider that the vote's pictures have

/** Where somebody is in the story, and what the page is told of it. */
export class StoryAlone {
  /**
   * @param {string} scene where it starts; of another page: at the first one
   * @param {boolean|null} lot whether the blurred picture is A at first; null to draw it
   */
  constructor(scene, lot = null) {
    this.scene = scene;
    this.acted = 0;
    this.limit = ROWS.argument.limit;
    this.jumps = 0; // how often the sliders were moved to where they start
    this.newRound();
    if (lot !== null) this.swapped = Number(lot);
  }

  /** Takes the scenes of a kernel (blurdash/ui/one_file/story.py). */
  take(part) {
    if (this.part && this.part !== part) this.newRound(); // nobody voted on these pictures
    this.part = part;
    if (!Object.hasOwn(part.scenes, this.scene)) this.scene = VOTE_SCENE;
  }

  newRound() {
    this.revealed = false;
    this.voted = null;
    this.hands = [0, 0];
    this.mine = null;
    this.swapped = Math.random() < 0.5 ? 0 : 1;
  }

  enter(scene) {
    if (!Object.hasOwn(this.part.scenes, scene)) return this.data();
    this.scene = scene;
    if (scene === SCEPTIC_SCENE) {
      this.jumps += 1; // its table is of the place where the sliders start
      this.place = null;
    }
    if (this.scene !== VOTE_SCENE) this.reveal();
    return this.data();
  }

  act(name, value, number) {
    const [shortest, longest] = ROWS.argument.limits;
    this.acted = number;
    if (name === "vote" && !this.revealed) this.mine = value === 1 ? 1 : 0;
    if (name === "reveal") this.reveal();
    if (name === "round") this.newRound();
    if (name === "hands") this.hands = value.map(Number);
    if (name === "limit" && Number.isFinite(value)) this.limit = Math.min(Math.max(value, shortest), longest);
    return this.data();
  }

  /** What is known of where the sliders are; of most scenes the page finds that itself. */
  answer(position, ack) {
    this.place = position;
    const data = this.data();
    if (data.pictures.length) return this.scene === SCEPTIC_SCENE ? { ...data, ack } : { ack };
    return { ...data, ...(this.scene === OFTEN_SCENE ? this.often(position) : {}), pos: position, ack };
  }

  data() {
    const { acted, scene, swapped, revealed } = this;
    const told = scene === VOTE_SCENE ? this.part.scenes[scene][revealed ? "revealed" : "hidden"][swapped] : this.part.scenes[scene];
    const data = { ...told, acted, start: told.start + this.jumps, swapped: Boolean(swapped) && told.pictures[0] !== "first", vote: this.vote() };
    data.panels = data.panels.map((panel) => (panel.limit === undefined ? panel : { ...panel, limit: this.limit }));
    if (!revealed) data.panels = data.panels.map((panel) => (panel.kind === "vote" ? { ...panel, total: votesSaid(data.vote.total) } : panel));
    return scene === OFTEN_SCENE ? { ...data, ...this.often(this.place ?? data.pos) } : data;
  }

  vote() {
    const { revealed, mine, voted, hands } = this;
    const counts = hands.map((count, side) => count + Number(mine === side));
    const total = counts[0] + counts[1];
    return { revealed, mine, counts: revealed ? counts : [0, 0], total, hands: hands[0] + hands[1], on: voted };
  }

  /** Ends the vote: from now on it is of the pictures as they are. */
  reveal() {
    if (this.revealed) return;
    this.revealed = true;
    const { sliders, pos } = this.part.scenes[DISTURBED_SCENE];
    const place = this.place ?? pos;
    this.voted = Object.fromEntries(ROWS.sliders.argument.map(({ name }, i) => [name, place[i]]).filter(([name]) => sliders.includes(name)));
  }

  /** The cell of the map that the sliders are nearest to, and what is said of it. */
  often(position) {
    const { often } = this.part;
    if (!often) return {};
    const value = (name) => position[ROWS.sliders.argument.findIndex((row) => row.name === name)];
    const place = [nearestOf(often.shifts, Math.hypot(value("x"), value("y"))), nearestOf(often.degrees, value("degree"))];
    const [see, at] = often.said[place[0]][place[1]];
    return { see, panels: [{ ...often, said: null, ...at }] };
  }
}

function nearestOf(values, wanted) {
  return values.reduce((best, one, i) => (Math.abs(one - wanted) < Math.abs(values[best] - wanted) ? i : best), 0);
}

function votesSaid(total) {
  return total ? `${total} ${total === 1 ? "has" : "have"} voted` : "nobody has voted yet";
}
