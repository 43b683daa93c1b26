// @module controls: sliders, buttons and readout tiles. Paints at once through the bus, asks the
// server for numbers with one request in flight (asker.js), and never shows a number under another
// position.

const CONTROL_ROWS = [
  { name: "degree", label: "Degree", unit: "px", min: 0, max: 100, step: 1, page: 10,
    entry: "blur length in pixels", hint: "Length of the blur, in pixels of the 1024 px canvas" },
  { name: "angle", label: "Angle", unit: "°", min: -180, max: 180, step: 1, page: 15,
    entry: "direction in °", hint: "Direction of the blur; what 0 means is the kernel's convention" },
  { name: "shift_x", label: "Shift x", unit: "px", min: -64, max: 64, step: 0.5, page: 4,
    entry: "pixels to the right", hint: "Moves the picture to the right after the blur; it stays sharp" },
  { name: "shift_y", label: "Shift y", unit: "px", min: -64, max: 64, step: 0.5, page: 4,
    entry: "pixels down", hint: "Moves the picture down after the blur; it stays sharp" },
];

const PORTRAIT = "portrait";
const SETTLE_MS = 350;
const RETRY_MS = 2000;
const LOOK_MS = 400;
const SWEEP_STEP_MS = 40;

/** Draws the controls into a component's root and keeps them in step with the server. */
function mountControls(component) {
  const root = component.parentElement;
  const state = (root.__blurdashControls ??= newControls(root));
  state.component = component;
  receive(state, component.data);
  return () => tearDown(state);
}

function newControls(root) {
  const state = {
    root, bus: (window.__blurdash ??= new EventTarget()),
    settle: 0, play: 0,
    view: null, data: null, tag: null, elements: {},
  };
  state.asker = new Asker((number) => send(state, number));
  buildControls(state);
  listen(state);
  return state;
}

function tearDown(state) {
  clearTimeout(state.settle);
  clearInterval(state.look);
  state.asker.dispose();
  stopPlay(state);
  state.bus.removeEventListener("curve", state.onCurve);
  state.bus.removeEventListener("set", state.onSet);
  state.bus.removeEventListener("mode", state.onMode);
  document.removeEventListener("keydown", state.onKey);
  window.removeEventListener("resize", state.onResize);
  document.removeEventListener("fullscreenchange", state.onFullscreen);
  delete state.root.__blurdashControls;
}

// ---- building -----------------------------------------------------------------------------

function buildControls(state) {
  const box = state.root.querySelector(".bd-controls");
  const style = document.createElement("style");
  style.textContent = CONTROLS_CSS; // sent with the scripts, so that an answer need not carry it
  box.before(style);
  box.innerHTML = `<div class="bd-sliders"></div>
    <div class="bd-side"><div class="bd-tiles" role="group" aria-label="Readouts"></div>
      <p class="bd-facts" aria-live="polite"></p></div>`;
  const sliders = box.querySelector(".bd-sliders");
  for (const row of CONTROL_ROWS) sliders.append(buildRow(state, row));
  sliders.append(buildButtons(state));
  state.elements.audit = Object.assign(document.createElement("p"), { className: "bd-audit",
    title: "What the kernel does to the picture: 1 keeps the light, 0 px does not move it" });
  sliders.append(state.elements.audit);
  state.elements.tiles = box.querySelector(".bd-tiles");
  state.elements.facts = box.querySelector(".bd-facts");
}

function buildRow(state, row) {
  const line = document.createElement("div");
  line.className = `bd-row bd-row-${row.name}`;
  line.innerHTML = `<label for="bd-${row.name}" title="${row.hint}">${row.label}</label>
    <input id="bd-${row.name}" type="range" min="${row.min}" max="${row.max}" step="${row.step}">
    <input class="bd-entry" type="text" inputmode="decimal" aria-label="${row.entry}">
    <span class="bd-unit">${row.unit}</span>`;
  const range = line.querySelector("input[type=range]");
  const entry = line.querySelector(".bd-entry");
  range.oninput = () => move(state, { [row.name]: Number(range.value) });
  range.onkeydown = (event) => pageKey(state, row, event);
  entry.onchange = () => enter(state, row, entry);
  entry.onkeydown = (event) => { if (event.key === "Enter") enter(state, row, entry); };
  state.elements[row.name] = { range, entry };
  return line;
}

function buildButtons(state) {
  const line = document.createElement("div");
  line.className = "bd-buttons";
  line.innerHTML = `<button type="button" data-do="play-degree" title="Run through all lengths">▶ length</button>
    <button type="button" data-do="play-angle" title="Run through all directions">▶ direction</button>
    <button type="button" data-do="random" title="A whole angle from −180 to 180, as the study draws it">Random angle</button>
    <button type="button" data-do="reset" title="Back to the first setting">Reset</button>
    <button type="button" data-do="present" title="Full screen for a projector (key F)">Present</button>`;
  const actions = {
    "play-degree": () => togglePlay(state, "degree"),
    "play-angle": () => togglePlay(state, "angle"),
    random: () => move(state, { angle: Math.floor(Math.random() * 361) - 180 }),
    reset: () => move(state, asView(state.data.home)),
    present: () => togglePresent(state),
  };
  for (const button of line.querySelectorAll("button")) {
    button.onclick = () => {
      if (!button.dataset.do.startsWith("play")) stopPlay(state);
      actions[button.dataset.do]();
    };
    state.elements[button.dataset.do] = button;
  }
  return line;
}

function listen(state) {
  state.onSet = (event) => move(state, event.detail);
  state.onMode = (event) => { state.mode = event.detail.mode; settleSoon(state); };
  state.onKey = (event) => globalKey(state, event);
  state.onResize = () => { if (state.data) settleSoon(state); };
  window.addEventListener("resize", state.onResize);
  state.onFullscreen = () => { if (!document.fullscreenElement) present(state, false); };
  state.onCurve = () => {
    if (!state.data) return;
    paintTiles(state);
    moveCursor(state);
  };
  // A chart is drawn anew, and lays itself out, when the browser gets round to it: nobody tells.
  state.look = setInterval(() => { if (state.data && chartLacksCursor()) moveCursor(state); }, LOOK_MS);
  state.bus.addEventListener("curve", state.onCurve);
  state.bus.addEventListener("set", state.onSet);
  state.bus.addEventListener("mode", state.onMode);
  document.addEventListener("keydown", state.onKey);
  document.addEventListener("fullscreenchange", state.onFullscreen);
}

// ---- what the hand does ---------------------------------------------------------------------

function move(state, change) {
  const view = { ...state.view };
  for (const row of CONTROL_ROWS) {
    if (change[row.name] === undefined) continue;
    view[row.name] = Math.min(row.max, Math.max(row.min, Number(change[row.name])));
  }
  state.view = view;
  paint(state);
  state.asker.want();
  settleSoon(state);
}

function enter(state, row, entry) {
  const value = Number(entry.value.trim().replace(",", ".").replace("−", "-"));
  const whole = row.step === 1 ? Math.round(value) : value;
  if (entry.value.trim() === "" || !Number.isFinite(value) || whole !== value
      || value < row.min || value > row.max) {
    entry.setCustomValidity(`${row.label}: a ${row.step === 1 ? "whole " : ""}number from ${row.min} to ${row.max}`);
    entry.reportValidity();
    entry.value = shown(state.view[row.name]);
    setTimeout(() => entry.setCustomValidity(""), 2500);
    return;
  }
  entry.setCustomValidity("");
  stopPlay(state);
  move(state, { [row.name]: value });
}

/** Page keys move by a useful amount (browsers move by a tenth of the range, or differ). */
function pageKey(state, row, event) {
  const step = { PageUp: row.page, PageDown: -row.page }[event.key];
  if (!step) { if (event.key.startsWith("Arrow")) stopPlay(state); return; }
  event.preventDefault();
  event.stopPropagation();
  stopPlay(state);
  move(state, { [row.name]: state.view[row.name] + step });
}

/** F presents; a clicker's Page keys step the degree where no other control has the focus. */
function globalKey(state, event) {
  const target = event.composedPath()[0];
  const typing = target instanceof HTMLElement
    && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !state.view) return;
  if (event.key === "f" || event.key === "F") { togglePresent(state); return; }
  const step = { PageUp: -10, PageDown: 10 }[event.key];
  if (step && document.body.classList.contains("bd-present")) {
    event.preventDefault();
    move(state, { degree: state.view.degree + step });
  }
}

function togglePlay(state, name) {
  const running = state.playing === name;
  stopPlay(state);
  if (running) return;
  state.playing = name;
  state.elements[`play-${name}`].setAttribute("aria-pressed", "true");
  const row = CONTROL_ROWS.find((one) => one.name === name);
  let direction = 1;
  state.play = setInterval(() => {
    const at = state.view[name];
    if (name === "angle") move(state, { angle: at + 1 > row.max ? row.min : at + 1 });
    else {
      if (at >= row.max) direction = -1;
      if (at <= row.min) direction = 1;
      move(state, { degree: at + direction });
    }
  }, SWEEP_STEP_MS);
}

function stopPlay(state) {
  clearInterval(state.play);
  state.play = 0;
  state.playing = null;
  for (const name of ["degree", "angle"]) state.elements[`play-${name}`]?.removeAttribute("aria-pressed");
}

function togglePresent(state) {
  present(state, !document.body.classList.contains("bd-present"));
}

function present(state, on) {
  if (on === document.body.classList.contains("bd-present")) return;
  document.body.classList.toggle("bd-present", on);
  state.elements.present.setAttribute("aria-pressed", String(on));
  if (on) document.documentElement.requestFullscreen?.().catch(() => {}); // refused: large type is left
  else if (document.fullscreenElement) document.exitFullscreen();
  state.bus.dispatchEvent(new CustomEvent("present", { detail: { on } }));
  window.dispatchEvent(new Event("resize")); // charts measure themselves anew
}

// ---- what the server is asked -----------------------------------------------------------------

function send(state, number) {
  const v = state.view;
  (state.bus.log ??= []).push([performance.now(), "sent", number]);
  state.component.setStateValue("pos", [v.degree, v.angle, v.shift_x, v.shift_y, number]);
}

function settleSoon(state) {
  clearTimeout(state.settle);
  state.settle = setTimeout(() => settle(state), SETTLE_MS);
}

/** At rest the address and the chart follow; the server is only told when it has answered. */
function settle(state) {
  if (state.asker.busy || state.playing) { settleSoon(state); return; }
  const place = placeOf(state.view, state.mode, window.innerHeight);
  if (place === state.settled) return;
  state.asked = place;
  state.component.setStateValue("rest", place);
  // A run of the whole page can swallow it: ask again until the server says that it has it.
  state.settle = setTimeout(() => settle(state), RETRY_MS);
}

function placeOf(view, mode, height) {
  return [view.degree, view.angle, view.shift_x, view.shift_y, mode, height].join(",");
}

function receive(state, data) {
  const first = !state.data || state.data.start !== data.start;
  state.data = data;
  if (first) {
    state.view = asView(data.pos);
    state.mode = data.mode;
    state.settled = placeOf(state.view, state.mode, data.height);
    settleSoon(state); // the server does not know yet how tall the window is
  }
  if (data.rested && data.rested === state.asked) state.settled = state.asked;
  state.bus.answered = data.values === null ? null : { ...asView(data.pos), values: data.values };
  (state.bus.log ??= []).push([performance.now(), "got", data.ack, JSON.stringify(data).length]);
  if (state.bus.log.length > 4000) state.bus.log.splice(0, 2000);
  paint(state);
  state.asker.answered(data.ack, sameView(data.pos, state.view));
}

function asView([degree, angle, shift_x, shift_y]) {
  return { degree, angle, shift_x, shift_y };
}

/** Takes which face and settings are shown: numbers of any other are stale from now on. */
function takeScene(component) {
  const bus = (window.__blurdash ??= new EventTarget());
  const { key, session, label, photos } = component.data;
  const face = (text) => text.split("|")[0];
  // Another session without a reload: the connection was lost for long, or the server was started
  // anew. Photos are held for a session only.
  const lost = bus.session && bus.session !== session && face(bus.scene) !== PORTRAIT;
  if (lost) {
    bus.loss = sendPhotosAgain(component, bus.label)
      ? "The connection was lost: your photo is sent again …"
      : "The connection was lost and your photo is gone from the server: add it again.";
  } else if (bus.scene && face(bus.scene) !== face(key)) bus.loss = "";
  if (bus.session === session && bus.held && !photos) bus.photos = []; // forgotten on purpose
  bus.held = photos;
  bus.label = label;
  bus.scene = key;
  bus.session = session;
  bus.dispatchEvent(new Event("curve"));
}

/** Takes the curve of the chart: its values may stand in while an exact number is under way. */
function takeCurve(component) {
  const curve = component.data;
  const bus = (window.__blurdash ??= new EventTarget());
  bus.curve = { ...curve, at: new Map(curve.degrees.map((degree, i) => [degree, i])) };
  bus.dispatchEvent(new Event("curve"));
  lookAgain(component);
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

function sameView(pos, view) {
  return pos[0] === view.degree && pos[1] === view.angle && pos[2] === view.shift_x && pos[3] === view.shift_y;
}

// ---- what is seen -----------------------------------------------------------------------------

function paint(state) {
  const { view, data } = state;
  for (const row of CONTROL_ROWS) {
    const { range, entry } = state.elements[row.name];
    if (Number(range.value) !== view[row.name]) range.value = view[row.name];
    range.setAttribute("aria-valuetext", `${shown(view[row.name])} ${row.unit === "px" ? "pixels" : "degrees"}`);
    range.style.setProperty("--bd-fill", `${(100 * (view[row.name] - row.min)) / (row.max - row.min)}%`);
    if (state.root.activeElement !== entry) entry.value = shown(view[row.name]);
  }
  const usedAngle = data.kernel === "study" && view.degree === 1 ? data.degree_one_angle : view.angle;
  const seen = { ...view, used_angle: usedAngle, kernel: data.kernel };
  if (JSON.stringify(seen) !== JSON.stringify(state.bus.view)) {
    state.bus.view = seen;
    state.bus.dispatchEvent(new CustomEvent("view", { detail: seen }));
  }
  paintAudit(state);
  paintTiles(state);
  moveCursor(state);
}

function paintAudit(state) {
  const { degree, used_angle, kernel } = state.bus.view;
  const found = audit(KERNELS[kernel].make(degree, used_angle));
  const direction = Number.isNaN(found.direction) ? "none" : `${found.direction.toFixed(0)}°`;
  setText(state.elements.audit, `Kernel: mass ${found.mass.toFixed(2)} · true length ${found.length.toFixed(1)} px · true direction ${direction} · offset ${found.offset.toFixed(2)} px`);
}

function paintTiles(state) {
  const { data, view } = state;
  const ours = (state.bus.scene ?? data.key) === data.key;
  const fresh = ours && data.values !== null && sameView(data.pos, view);
  const standIn = fresh ? null : curveValues(state);
  const box = state.elements.tiles;
  box.dataset.state = fresh ? "exact" : standIn ? "curve" : "pending";
  box.setAttribute("aria-busy", String(!fresh));
  if (box.childElementCount !== data.tiles.length) box.replaceChildren(...data.tiles.map(buildTile));
  data.tiles.forEach((tile, i) => {
    const element = box.children[i];
    const value = fresh ? data.values[i] : standIn ? standIn[i] : null;
    const old = ours && value === null && data.values !== null ? data.values[i] : null;
    const like = fresh && data.equivalents[i] ? `like a blur of ${data.equivalents[i]}` : "";
    paintTile(element, tile, { value, old, mark: fresh ? "" : "≈", pos: data.pos, like });
  });
  paintFacts(state, fresh);
}

function buildTile(tile) {
  const element = document.createElement("div");
  element.className = `bd-tile bd-tile-${tile.family}`;
  element.title = `${tile.label}: ${tile.direction}. ${tile.source}`;
  element.innerHTML = `<div class="bd-tile-label"></div>
    <div class="bd-tile-line"><span class="bd-mark" aria-hidden="true"></span><span class="bd-value" data-testid="readout-${tile.id}"></span><span class="bd-tile-unit"></span></div>
    <div class="bd-tile-note"></div>`;
  element.querySelector(".bd-tile-label").textContent = tile.label;
  element.querySelector(".bd-tile-unit").textContent = tile.unit;
  return element;
}

/** An exact value, a stand-in marked ≈, or an older value that names the position it belongs to. */
function paintTile(element, tile, { value, old, mark, pos, like }) {
  const at = value ?? old;
  element.classList.toggle("bd-stale", value === null || mark !== "");
  setText(element.querySelector(".bd-value"), at === null ? "···" : formatted(at, tile.decimals));
  setText(element.querySelector(".bd-mark"), value !== null ? mark : "");
  const note = value !== null && mark ? "from the curve"
    : old !== null ? `at ${shown(pos[0])} px, ${shown(pos[1])}°${pos[2] || pos[3] ? `, shift ${shown(pos[2])} ${shown(pos[3])}` : ""}`
    : like || tile.direction;
  setText(element.querySelector(".bd-tile-note"), note);
}

function paintFacts(state, fresh) {
  const { data, view, elements } = state;
  const percent = data.eye_distance ? ` = ${((100 * view.degree) / data.eye_distance).toFixed(1)} % of the eye distance` : "";
  const facts = [`${view.degree} px${percent}.`, `${data.circumstances}.`];
  if (fresh && data.verdict) facts.unshift(data.verdict);
  if (data.message) facts.unshift(data.message);
  if (state.bus.loss) facts.unshift(state.bus.loss);
  setText(elements.facts, facts.join(" "));
  elements.facts.classList.toggle("bd-alert", Boolean(data.alert || state.bus.loss));
}

/** The numbers of this face's own curve at this degree, where the curve is for this very angle. */
function curveValues(state) {
  const { bus, view, data } = state;
  const curve = bus.curve;
  if (!curve || curve.key !== (bus.scene ?? data.key) || curve.angle !== view.angle || view.shift_x || view.shift_y) return null;
  const here = curve.at.get(view.degree);
  return here === undefined ? null : curve.values[here];
}

function chartLacksCursor() {
  const chart = document.querySelector(".st-key-bd-curve .js-plotly-plot");
  return Boolean(chart && !chart.querySelector(".bd-cursor"));
}

/** Moves the marker over the chart without touching the chart. */
function moveCursor(state) {
  const chart = document.querySelector(".st-key-bd-curve .js-plotly-plot");
  const layout = chart?._fullLayout;
  if (!layout?.xaxis?.l2p) return;
  let cursor = chart.querySelector(".bd-cursor");
  if (!cursor) {
    cursor = document.createElement("div");
    cursor.className = "bd-cursor";
    chart.style.position = "relative";
    chart.append(cursor);
    chart.addEventListener("click", (event) => clickCurve(state, chart, event));
    new ResizeObserver(() => requestAnimationFrame(() => moveCursor(state))).observe(chart);
  }
  const size = layout._size;
  cursor.style.transform = `translateX(${layout.xaxis._offset + layout.xaxis.l2p(state.view.degree)}px)`;
  cursor.style.top = `${size.t}px`;
  cursor.style.height = `${size.h}px`;
  cursor.dataset.degree = state.view.degree;
}

function clickCurve(state, chart, event) {
  const axis = chart._fullLayout?.xaxis;
  if (!axis?.p2l) return;
  const degree = Math.round(axis.p2l(event.clientX - chart.getBoundingClientRect().left - axis._offset));
  const size = chart._fullLayout._size;
  const y = event.clientY - chart.getBoundingClientRect().top;
  if (degree >= 0 && degree <= 100 && y >= size.t && y <= size.t + size.h) move(state, { degree });
}

function formatted(value, decimals) {
  if (value === "inf") return "∞";
  return typeof value === "number" ? value.toFixed(decimals).replace(/^-(0\.?0*)$/, "$1") : "–";
}

function shown(value) {
  return String(value);
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
