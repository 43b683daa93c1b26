// @module one file: the page without a server, in the file that blurdash/page_file.py makes: Explore and the
// story, of one face. What components ask of a server is answered here, or not at all.

import { bus } from "../bus.js";
import { feedPicture } from "../pictures/pair.js";
import { mountStage } from "../pictures/stage.js";
import { ROWS } from "../rows.js";
import { whyNotHere } from "../wasm/client.js";
import { mountControls, takeCurve } from "../widgets/controls.js";
import { mountSlot } from "../widgets/readouts.js";
import { takeScene } from "../widgets/scene.js";
import { button, setText, textElement } from "../widgets/texts.js";
import { mountArgument } from "./argument.js";
import { StoryAlone } from "./story_alone.js";

const EXPLORE_PAGE = "explore";
const STORY_PAGE = "story";
const FILE_ANSWER_MS = 400; // before a question that nobody answers is asked again
const FILE_FACE = "face"; // its id: there is one

/** A component with no server behind it. */
class ComponentAlone {
  /**
   * @param {(component: ComponentAlone) => (() => void)|void} mount called again with other data
   * @param {object} data
   * @param {object} answers by what is asked: functions of the value that give what changes in the data
   */
  constructor(mount, data, answers = {}) {
    Object.assign(this, { mount, data, answers });
    this.parentElement = null;
    this.leave = null;
  }

  mountIn(host, css, html) {
    this.parentElement = host.attachShadow({ mode: "open" });
    this.parentElement.innerHTML = `<style>${css}</style>${html}`; // constants of ours
    this.leave = this.mount(this);
    return this;
  }

  setStateValue(name, value) {
    const answer = this.answers[name]?.(value);
    if (!answer) return;
    setTimeout(() => {
      if (!this.parentElement?.host.isConnected) return;
      this.data = { ...this.data, ...answer };
      this.leave = this.mount(this);
    }, name === "pos" && !answer.pos ? FILE_ANSWER_MS : 0);
  }

  setTriggerValue() {}
}

class OneFile {
  constructor(place) {
    this.data = JSON.parse(document.getElementById("bd-data").textContent);
    this.png = bytesOf("bd-picture");
    this.kernel = Object.keys(this.data.kernels)[0];
    this.page = this.data.scene === EXPLORE_PAGE ? EXPLORE_PAGE : STORY_PAGE;
    this.story = new StoryAlone(this.data.scene, this.data.lot);
    this.mounted = [];
    // What the components would fetch is here already, or soon.
    bus.networks = new Map();
    this.head = buildHead(this);
    this.main = document.createElement("main");
    place.replaceChildren(this.head.box, this.main);
    bus.addEventListener("not-here", () => this.paintHead());
    this.show(this.page);
    openNetwork().then((network) => this.takeNetwork(network), (error) => this.missNetwork(error));
  }

  get part() {
    return this.data.kernels[this.kernel];
  }

  takeNetwork(network) {
    bus.networks.set(this.part.explore.controls.reader.network, network);
    bus.dispatchEvent(new Event("reader"));
  }

  missNetwork(error) {
    this.problem = `The recogniser could not be unpacked in this browser (${error.message}): its numbers are of the first place only.`;
    this.paintHead();
  }

  choose(kernel) {
    this.kernel = kernel;
    this.show(this.page);
  }

  show(page) {
    for (const one of this.mounted) one.leave?.();
    this.mounted = [];
    this.page = page;
    const { key, explore } = this.part;
    const { network } = explore.controls.reader;
    if (!bus.networks.has(network)) bus.networks.set(network, null); // under way
    const scene = new ComponentAlone(takeScene, { key, session: "file", shown: FILE_FACE });
    scene.mountIn(document.createElement("div"), "", "");
    if (page === EXPLORE_PAGE) this.showExplore(explore);
    else this.showStory();
    this.paintHead();
  }

  showExplore({ controls, curve }) {
    const hosts = Object.fromEntries(["sentence", "stage", "controls", "readouts", "context"].map((name) => [name, document.createElement("div")]));
    const [work, left] = ["bf-work", "bf-left"].map((name) => Object.assign(document.createElement("div"), { className: name }));
    const face = textElement("p", "bf-face", "Face ");
    face.append(textElement("b", "", this.data.face.label));
    left.append(face, hosts.stage, hosts.controls);
    work.append(left, hosts.readouts);
    this.main.className = "bf-explore";
    this.main.replaceChildren(hosts.sentence, work, hosts.context);
    const { label, notes } = this.data.face;
    const header = { face: FILE_FACE, name: label, eye_distance: controls.eye_distance, mode: controls.mode, notes };
    const slot = (name) => new ComponentAlone(mountSlot, { name }).mountIn(hosts[name], "", '<div class="bd-slot"></div>');
    const answers = {
      rest: (rested) => ({ rested }),
      pos: (asked) => ({ ack: asked.at(-1) }),
    };
    this.mounted = [
      new ComponentAlone(mountStage, packStage(header, this.png)).mountIn(hosts.stage, this.data.stage_css, "<div></div>"),
      ...["sentence", "readouts", "context"].map(slot),
      new ComponentAlone(mountControls, controls, answers).mountIn(hosts.controls, "", '<div class="bd-controls"></div>'),
      new ComponentAlone(takeCurve, curve).mountIn(document.createElement("div"), "", ""),
    ];
  }

  showStory() {
    const { story } = this;
    const host = document.createElement("div");
    this.main.className = "bf-story";
    this.main.replaceChildren(host);
    feedPicture(packStage({ kind: "feed", face: FILE_FACE }, this.png));
    story.take(this.part.story);
    const answers = {
      scene: (asked) => story.enter(asked.split("#")[0]),
      act: ([name, value, number]) => story.act(name, value, number),
      rest: (rested) => ({ rested }),
      pos: (asked) => story.answer(asked.slice(0, ROWS.sliders.argument.length), asked.at(-1)),
    };
    this.mounted = [new ComponentAlone(mountArgument, story.data(), answers).mountIn(host, "", '<div class="bd-argument"></div>')];
  }

  paintHead() {
    const { tabs, problem } = this.head;
    for (const [page, tab] of Object.entries(tabs)) {
      if (page === this.page) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    const why = whyNotHere();
    setText(problem, why ? `This browser cannot compute here (${why}): numbers are of the first place only.` : this.problem ?? "");
    problem.hidden = !problem.textContent;
  }
}

function buildHead(file) {
  const { data } = file;
  const box = Object.assign(document.createElement("header"), { className: "bf-head" });
  const tab = (page, text) => Object.assign(button(text, "", () => file.show(page)), { className: "bf-tab" });
  const tabs = { [EXPLORE_PAGE]: tab(EXPLORE_PAGE, "Explore"), [STORY_PAGE]: tab(STORY_PAGE, "The argument") };
  const nav = document.createElement("nav");
  nav.append(...Object.values(tabs));
  const problem = textElement("p", "bf-problem", "");
  problem.setAttribute("role", "alert");
  box.append(textElement("b", "bf-name", "blurdash"), nav, problem, buildKernels(file), button("Light or dark", "The other colours", otherColours), buildAbout(data));
  return { box, tabs, problem };
}

function buildKernels(file) {
  const label = textElement("label", "bf-kernel", "Kernel ");
  const list = document.createElement("select");
  for (const name of Object.keys(file.data.kernels)) list.append(new Option(ROWS.kernels[name].label, name));
  list.onchange = () => file.choose(list.value);
  label.append(list);
  label.hidden = list.options.length < 2;
  return label;
}

function buildAbout({ holds, version }) {
  const about = Object.assign(document.createElement("details"), { className: "bf-about" });
  const said = Object.assign(document.createElement("div"), { className: "bf-said" });
  said.append(...[...holds, `Made by blurdash ${version}.`].map((line) => textElement("p", "", line)));
  about.append(textElement("summary", "bd-btn", "About this file"), said);
  return about;
}

function otherColours() {
  const root = document.documentElement;
  const dark = root.style.colorScheme ? root.style.colorScheme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.style.colorScheme = dark ? "light" : "dark";
}

/** The bytes that an element of the file holds. */
function bytesOf(id) {
  const letters = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

async function openNetwork() {
  await new Promise((done) => setTimeout(done)); // after what is seen
  const stream = new Blob([bytesOf("bd-network")]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

/** Header and picture in one piece, as the server packs them (browser.py). */
function packStage(header, png) {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const packed = new Uint8Array(4 + text.length + png.length);
  new DataView(packed.buffer).setUint32(0, text.length, true);
  packed.set(text, 4);
  packed.set(png, 4 + text.length);
  return packed;
}

bus.file = new OneFile(document.getElementById("bd-file"));
