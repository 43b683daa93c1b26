// @module controls: the sliders, and what follows from them. Paints at once through the bus, takes what the
// core finds in this browser, asks the server for the rest with one request in flight (asker.js), and
// never shows a number as one of another position.

import { bus } from "../bus.js";
import { downloadBlob } from "../pictures/export.js";
import { KERNELS, audit, usedAngle } from "../pictures/kernels.js";
import { kernelOf } from "../pictures/taps.js";
import { takeReader } from "../wasm/reader.js";
import { ROWS } from "../rows.js";
import { STYLES } from "../styles.js";
import { keepAddress } from "./address.js";
import { Asker } from "./asker.js";
import { curveCsv, curveName } from "./curve_csv.js";
import { nearestTo, ownBlur } from "./equivalents.js";
import { facelessSentence, truthOf } from "./explore_sentence.js";
import { leaveHand, takeHand } from "./hand.js";
import { compareNumbers, curveValues, isOurs, isSame, lagOf, ownSaid, readsHere, saidWithNumbers, sameView, stateOf, tileOf } from "./known.js";
import { Lanes } from "./lanes.js";
import { OwnCurves } from "./own_curve.js";
import { Presenter, isTaken } from "./presenter.js";
import { Guess } from "./guess.js";
import { Readouts, blurOf } from "./readouts.js";
import { Saying } from "./saying.js";
import { renewPage } from "./scene.js";
import { Settler } from "./settler.js";
import { Sharing } from "./sharing.js";
import { forgetSizes } from "./sizes.js";
import { Slider, entered, moved, spoken } from "./slider.js";
import { button, setText, shown } from "./texts.js";
import { ThumbControls } from "./thumb_controls.js";

const FOREIGN_MS = 1000;
const WORDING_MS = 300; // a hand that has not moved for so long gets another sentence
const PLACE_PARTS = 5; // degree, angle, shift x, shift y, mode
const SWEEP_STEP_MS = 40;

/** Draws the controls into a component's root and keeps them in step with the server. */
export function mountControls(component) {
  const root = component.parentElement;
  const state = (root.__blurdashControls ??= newControls(root));
  state.component = component;
  receive(state, component.data);
  return () => tearDown(state);
}

function newControls(root) {
  const state = {
    root, bus,
    play: 0, movedAt: 0, wording: 0, like: [], shows: "null",
    view: null, data: null, tag: null, elements: {}, saying: new Saying(),
  };
  state.readouts = new Readouts(() => askNow(state), (tile) => hold(state, tile));
  state.asker = new Asker((number) => send(state, number), renewPage);
  state.presenter = new Presenter((on) => presented(state, on));
  state.guess = new Guess(() => { if (state.data) paintSeen(state); });
  state.sharing = new Sharing(() => ({ ...state.seen, said: state.saying.shown }), () => state.presenter.toggle());
  // At rest the address and the chart follow; the server is only told when it has answered.
  state.settler = new Settler({
    place: () => placeOf(state.view, state.mode),
    told: () => state.data.rested.split(",").slice(0, PLACE_PARTS).join(","),
    busy: () => state.asker.busy || state.playing,
    alone: () => readsHere(state),
    tell: (place) => tellRest(state, place),
    lost: renewPage,
  });
  state.curves = new OwnCurves(() => !isMoving(state) && !state.playing, () => { if (state.data) paintSeen(state); });
  state.lanes = new Lanes((degree) => { stopPlay(state); move(state, { degree }); }, () => saveCurve(state));
  buildControls(state);
  listen(state);
  return state;
}

function tearDown(state) {
  state.guess.close();
  leaveHand("explore", state.data.start, [state.view, state.mode]);
  clearTimeout(state.foreign);
  clearTimeout(state.wording);
  for (const part of [state.asker, state.settler, state.presenter, state.curves]) part.dispose();
  stopPlay(state);
  state.bus.removeEventListener("curve", state.onCurve);
  state.bus.removeEventListener("set", state.onSet);
  state.bus.removeEventListener("mode", state.onMode);
  state.bus.removeEventListener("slot", state.onSlot);
  state.bus.removeEventListener("numbers", state.onNumbers);
  state.bus.removeEventListener("faceless", state.onNumbers);
  state.bus.removeEventListener("sizes", state.onNumbers);
  state.observer.disconnect();
  document.removeEventListener("keydown", state.onKey);
  state.bus.faceless = null;
  delete state.root.__blurdashControls;
}

// ---- building -----------------------------------------------------------------------------

function buildControls(state) {
  const box = state.root.querySelector(".bd-controls");
  const style = document.createElement("style");
  style.textContent = STYLES.controls; // sent with the scripts, so that an answer need not carry it
  box.before(style);
  state.box = box;
  const [degree, angle, right, down] = ROWS.sliders.explore;
  // What made the surprise that the page opens on is under the thumb first.
  state.thumb = new ThumbControls([right, down, degree, angle], right.name, (change) => { stopPlay(state); move(state, change); });
  box.replaceChildren(state.lanes.box, buildRow(state, degree, buildPlay), buildRow(state, angle, buildRandom),
    buildShiftRow(state, right, down), state.thumb.box);
  state.observer = new ResizeObserver(() => {
    forgetSizes();
    if (state.data) paintSeen(state);
  });
  state.observer.observe(state.lanes.box);
}

function buildRow(state, row, button) {
  const line = Object.assign(document.createElement("div"), { className: "bd-row" });
  const end = Object.assign(document.createElement("div"), { className: "bd-end" });
  const { label, range, number } = buildSlider(state, row);
  end.append(number, button(state));
  line.append(label, range, end);
  return line;
}

/** Both shifts share a row: they matter less than the two above. */
function buildShiftRow(state, right, down) {
  const line = Object.assign(document.createElement("div"), { className: "bd-row" });
  const half = Object.assign(document.createElement("div"), { className: "bd-half" });
  const end = Object.assign(document.createElement("div"), { className: "bd-end" });
  const [one, other] = [buildSlider(state, right), buildSlider(state, down)];
  half.append(one.range, one.number, other.label, other.range);
  end.append(other.number, button("Reset", "Back to the first setting", () => { stopPlay(state); move(state, state.data.defaults); }));
  line.append(one.label, half, end);
  return line;
}

/** A slider with its label, and a field that takes and shows the same number. */
function buildSlider(state, row) {
  const slider = new Slider(row, "bd", (value) => move(state, { [row.name]: value }), () => stopPlay(state));
  const number = Object.assign(document.createElement("span"), { className: "bd-number" });
  number.innerHTML = `<input type="text" inputmode="decimal" aria-label="${row.entry}"><i>${row.unit}</i>`;
  const entry = number.querySelector("input");
  entry.onchange = () => enter(state, row, entry);
  entry.onkeydown = (event) => { if (event.key === "Enter") enter(state, row, entry); };
  state.elements[row.name] = { slider, range: slider.range, entry };
  return { ...slider, number };
}

function buildPlay(state) {
  return (state.elements.play = button("Play", "Run through all lengths", () => togglePlay(state)));
}

function buildRandom(state) {
  const [least, most] = ROWS.angles;
  return button("Random", `A whole angle from ${shown(least)} to ${most}, as the study draws it (key R)`, () => randomAngle(state));
}

function listen(state) {
  state.onSet = (event) => move(state, event.detail);
  state.onMode = (event) => { state.mode = event.detail.mode; state.settler.soon(); };
  state.onKey = (event) => globalKey(state, event);
  state.onCurve = () => {
    if (!state.data) return;
    paintSeen(state);
    askWhereForeign(state); // another scene may be shown by now
  };
  state.onNumbers = () => { if (state.data) paintSeen(state); };
  state.onSlot = () => { if (state.data) paintSeen(state); };
  state.bus.addEventListener("curve", state.onCurve);
  state.bus.addEventListener("slot", state.onSlot);
  state.bus.addEventListener("numbers", state.onNumbers);
  state.bus.addEventListener("faceless", state.onNumbers);
  state.bus.addEventListener("sizes", state.onNumbers);
  state.bus.addEventListener("set", state.onSet);
  state.bus.addEventListener("mode", state.onMode);
  document.addEventListener("keydown", state.onKey);
}

// ---- what the hand does ---------------------------------------------------------------------

function move(state, change) {
  state.view = moved(ROWS.sliders.explore, state.view, change);
  state.movedAt = performance.now();
  state.bus.faceless = null;
  state.elements.shift_x.range.classList.remove("bd-pulse");
  clearTimeout(state.wording);
  state.wording = setTimeout(() => paintSeen(state), WORDING_MS);
  paint(state);
  if (!readsHere(state)) state.asker.want();
  state.settler.soon();
}

/** Has the right picture be the blur that a measure takes it for; of more than there are the longest.
 * A row that has none yet is shown as soon as it has one. */
function hold(state, tile) {
  const found = tile && state.like[ROWS.tiles.indexOf(tile)];
  const detail = found?.text ? heldView(state, tile, found) : null;
  const shows = JSON.stringify(detail);
  if (shows === state.shows || (tile && !detail)) return; // what is shown stays while numbers come anew
  state.shows = shows;
  state.bus.dispatchEvent(new CustomEvent("hold", { detail }));
}

function heldView({ view: { degree, angle }, data: { kernel } }, { short, family }, found) {
  const [, longest] = ROWS.degrees;
  const length = Math.round(found.ranges.length ? nearestTo(found, degree) : found.side === "beyond" ? longest : 0);
  const view = { kernel, degree: length, angle, used_angle: usedAngle(kernel, length, angle), shift_x: 0, shift_y: 0 };
  const more = found.side === "beyond" ? ` (here ${longest} px)` : "";
  return { view, family, text: `What ${short} takes it for: a ${blurOf(found)}${more}` };
}

function enter(state, row, entry) {
  const { value, problem } = entered(row, entry.value);
  entry.setCustomValidity(problem);
  if (problem) {
    entry.reportValidity();
    entry.value = shown(state.view[row.name]);
    setTimeout(() => entry.setCustomValidity(""), 2500);
    return;
  }
  stopPlay(state);
  move(state, { [row.name]: value });
}

/** Single keys, where nobody types: F, Esc, R; and a clicker's Page keys while presenting. */
function globalKey(state, event) {
  if (isTaken(event, false) || !state.view) return;
  const act = { f: () => state.presenter.toggle(), escape: () => state.presenter.set(false), r: () => randomAngle(state), l: () => state.bus.dispatchEvent(new Event("wish-loupe")) };
  const step = { PageUp: -10, PageDown: 10 }[event.key];
  act[event.key.toLowerCase()]?.();
  if (step && state.presenter.on) {
    event.preventDefault();
    move(state, { degree: state.view.degree + step });
  }
}

function randomAngle(state) {
  stopPlay(state);
  const [least, most] = ROWS.angles;
  move(state, { angle: Math.floor(Math.random() * (most - least + 1)) + least });
}

function togglePlay(state) {
  const running = state.playing;
  stopPlay(state);
  if (running) return;
  state.playing = true;
  const { play } = state.elements;
  play.setAttribute("aria-pressed", "true");
  setText(play, "Stop");
  const { min, max } = ROWS.sliders.explore[0];
  let step = 1;
  state.play = setInterval(() => {
    const { degree } = state.view;
    if (degree >= max) step = -1;
    if (degree <= min) step = 1;
    move(state, { degree: degree + step });
  }, SWEEP_STEP_MS);
}

function stopPlay(state) {
  clearInterval(state.play);
  state.play = 0;
  state.playing = false;
  state.elements.play?.removeAttribute("aria-pressed");
  if (state.elements.play) setText(state.elements.play, "Play");
}

function presented(state, on) {
  forgetSizes();
  state.box.classList.toggle("bd-present", on);
  state.readouts.present(on);
  state.saying.present(on);
  state.bus.dispatchEvent(new CustomEvent("present", { detail: { on } }));
}

// ---- what the server is asked -----------------------------------------------------------------

function send(state, number) {
  const v = state.view;
  (state.bus.log ??= []).push([performance.now(), "sent", number]);
  state.component.setStateValue("pos", [v.degree, v.angle, v.shift_x, v.shift_y, number]);
}

/** Tells where the hand rests; where the server was not asked on the way, it is asked by this, too. */
function tellRest(state, place) {
  const asked = sameView(state.data.pos, state.view) ? "" : `,${state.asker.nextNumber()}`;
  state.component.setStateValue("rest", place + asked);
}

/** Asks the server for the numbers of here, at once. */
function askNow(state) {
  if (!sameView(state.data.pos, state.view)) tellRest(state, placeOf(state.view, state.mode));
}

function placeOf(view, mode) {
  return [view.degree, view.angle, view.shift_x, view.shift_y, mode].join(",");
}

function receive(state, data) {
  const first = !state.data || state.data.start !== data.start;
  const left = state.data ? null : takeHand("explore", data.start);
  if (state.data && state.data.key !== data.key) state.bus.faceless = null; // another face is shown by now
  state.data = data;
  if (first) {
    [state.view, state.mode] = left ?? [asView(data.pos), data.mode];
    state.settler.soon(); // the page may have jumped to where a hand was not yet at rest
  }
  state.bus.answered = data.values === null ? null : { ...asView(data.pos), values: data.values };
  (state.bus.log ??= []).push([performance.now(), "got", data.ack, JSON.stringify(data).length]);
  if (state.bus.log.length > 4000) state.bus.log.splice(0, 2000);
  paint(state);
  compareNumbers(state);
  takeReader(data.reader);
  state.asker.answered(data.ack, sameView(data.pos, state.view) || readsHere(state));
  askWhereForeign(state);
  if (sameView(data.pos, state.view)) keepAddress(data.address, "explore");
}

/** Numbers of another face or setting than the page shows may be the last that come: a run that was
 * to bring the right ones can be ended by another.  Asks again until they are ours. */
function askWhereForeign(state) {
  clearTimeout(state.foreign);
  if (isOurs(state)) return;
  state.foreign = setTimeout(() => {
    if (state.root.isConnected && !state.asker.busy) state.asker.want();
  }, FOREIGN_MS);
}

function asView([degree, angle, shift_x, shift_y]) {
  return { degree, angle, shift_x, shift_y };
}

/** Takes the face's curve: it is drawn, and its values may stand in while a number is under way. */
export function takeCurve(component) {
  bus.curveOfServer = component.data;
  bus.leaveCurves = () => leaveCurves(component);
  bus.curve = indexed(component.data);
  bus.dispatchEvent(new Event("curve"));
  lookAgain(component);
}

function indexed(curve) {
  return { ...curve, at: new Map(curve.degrees.map((degree, i) => [degree, i])),
    mark: [curve.key, curve.angle, curve.degrees.length].join(" ") };
}

/** Has this browser find the curve of here itself, where it can; the better known of both is shown. */
function growCurve(state) {
  const { bus, data, view } = state;
  if (!KERNELS[data.kernel].make || !readsHere(state)) return;
  bus.leaveCurves?.();
  const of = { key: data.key, face: bus.face, kernel: data.kernel, angle: view.angle };
  if (!isMoving(state)) state.curves.want(of); // not of each angle that a hand passes
  const own = state.curves.known(of);
  const known = bus.curve?.key === data.key && bus.curve.angle === view.angle ? bus.curve.degrees.length : 0;
  if (own.degrees.length <= known) return;
  // Where other faces lie is the server's to say; of which angle is written beside it.
  const { bands = [], whose = "", spans = {} } = bus.curveOfServer ?? {};
  bus.curve = indexed({ ...own, bands, whose, spans });
}

/** Tells the server, once, that this browser finds its curves itself. */
function leaveCurves(component) {
  const root = component.parentElement;
  if (root.__leftCurves) return;
  root.__leftCurves = true;
  component.setStateValue("own", 1);
}

/** Asks for more of a curve now and then, until other data says otherwise. */
function lookAgain(component) {
  const root = component.parentElement;
  clearInterval(root.__looking);
  const seconds = component.data.look_again;
  if (!seconds) return;
  root.__looking = setInterval(() => {
    if (root.isConnected) component.setTriggerValue("look", Date.now());
    else clearInterval(root.__looking);
  }, 1000 * seconds);
}

// ---- what is seen -----------------------------------------------------------------------------

function paint(state) {
  const { view, data } = state;
  for (const row of ROWS.sliders.explore) paintSlider(state, row);
  state.thumb.show(view);
  const seen = { ...view, used_angle: usedAngle(data.kernel, view.degree, view.angle), kernel: data.kernel };
  if (JSON.stringify(seen) !== JSON.stringify(state.bus.view)) {
    state.bus.view = seen;
    state.bus.dispatchEvent(new CustomEvent("view", { detail: seen }));
  }
  paintSeen(state);
}

function paintSlider(state, row) {
  const { slider, entry } = state.elements[row.name];
  const value = state.view[row.name];
  slider.show(value, spoken(row, value), 0);
  if (state.root.activeElement !== entry) entry.value = shown(value);
}

/** Everything that follows from the position and from what is known of it. */
function paintSeen(state) {
  growCurve(state);
  const { data, view, bus } = state;
  const fresh = isOurs(state) && data.values !== null && sameView(data.pos, view);
  const standIn = fresh ? null : curveValues(state);
  const tiles = ROWS.tiles.map((tile, i) => tileOf(state, tile, i, { fresh, standIn }));
  const lag = fresh || standIn ? null : lagOf(state);
  const own = lag !== null || (readsHere(state) && tiles.every(({ at, estimate }) => !at && !estimate));
  const said = own ? ownSaid({ ...state, view: lag ?? view }, tiles) : saidWithNumbers(state);
  const guessing = state.guess.takes(state);
  const like = state.like = guessing ? [] : own || fresh ? said.equivalents : standIn ? ROWS.tiles.map(() => ownBlur(view)) : [];
  state.guess.run(like);
  if (state.readouts.held) hold(state, state.readouts.held);
  paintLanes(state, byTile(tiles.map(({ value, at }) => (at ? undefined : value))), byTile(lag ? [] : like));
  if (state.saying.settle(bus.slots)) {
    state.sharing.settle(state.saying.parts.share);
    if (bus.faceless) state.saying.paint(facelessSentence(bus.faceless.name), true, false);
    else if (guessing) state.saying.paint(state.guess.sentence(truthOf(view)[1]), true, false);
    else state.saying.paint(state.guess.recall(said.sentence), own || fresh, own ? isMoving(state) : state.asker.busy);
  }
  if (!state.readouts.settle(bus.slots)) return;
  const { degree, used_angle: angle, kernel } = bus.view;
  const exactness = stateOf(state, tiles, fresh, standIn);
  if (exactness === "exact") {
    state.bus.read = { ...view, by: fresh ? "server" : "page" };
    pulse(state);
  }
  state.seen = { state: exactness, tiles, like, data, view };
  state.sharing.paint(state.seen);
  state.readouts.paint({ ...state.seen, believed: lag ?? view, guess: state.guess, share: state.saying.parts?.share,
    same: own && data.recogniser.person ? isSame(data.recogniser.person, tiles.map(({ value }) => value)) : fresh ? data.same_person : null,
    closer: fresh ? data.closer : null, receipt: fresh ? data.receipt : null,
    kernel: auditOf({ kernel, degree, used_angle: angle }, fresh ? data.audit : null), message: data.message });
}

/** Shows which slider made the surprise that the page opened on, once, where nobody has touched it. */
function pulse({ bus, elements, view, movedAt, like }) {
  if (bus.pulsed || movedAt || view.degree || !view.shift_x || !like.length) return;
  bus.pulsed = true;
  elements.shift_x.range.classList.add("bd-pulse");
}

/** What a kernel really does; of one that is not made here what the server says, null until it has. */
function auditOf(view, told) {
  const kernel = kernelOf(view);
  if (kernel) return audit(kernel);
  return told && Object.fromEntries(Object.entries(told).map(([name, value]) => [name, value ?? NaN]));
}

function isMoving(state) {
  return performance.now() - state.movedAt < WORDING_MS;
}

function byTile(values) {
  return Object.fromEntries(ROWS.tiles.map((tile, i) => [tile.id, values[i]]));
}

/** The curve of the face and the settings that are shown; null while there is none. */
function ownCurve({ bus, data }) {
  return bus.curve?.key === (bus.scene ?? data.key) ? bus.curve : null;
}

function saveCurve(state) {
  const curve = ownCurve(state);
  if (!curve) return;
  const text = curveCsv(curve, state.data);
  downloadBlob(new Blob([text], { type: "text/csv" }), curveName(curve, state.data));
}

function paintLanes(state, values, like) {
  const { data, view, lanes, elements } = state;
  lanes.offer(() => paintSeen(state));
  const curve = ownCurve(state);
  lanes.box.classList.toggle("bd-old", Boolean(curve && curve.angle !== view.angle));
  lanes.paint({ curve, recogniser: data.recogniser, view, eyeDistance: data.eye_distance, input: elements.degree.range, values, like });
}
