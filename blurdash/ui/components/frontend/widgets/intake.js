// @module intake: lets a visitor choose photos, drop them, or take one with the camera; carrier.js
// brings them to the server.

import { bus } from "../bus.js";
import { STYLES } from "../styles.js";

/** Draws upload and camera into a component's root. */
export function mountIntake(component) {
  const root = component.parentElement;
  const state = (root.__blurdashIntake ??= newIntake(root));
  state.input.accept = ["image/*", ...component.data.endings].join(",");
  return () => {
    stopCamera(state);
    delete root.__blurdashIntake;
  };
}

function newIntake(root) {
  const box = root.querySelector(".bd-intake");
  box.innerHTML = `<style>${STYLES.intake}</style>
    <label class="bd-pick">Upload photos
      <input type="file" multiple></label>
    <button type="button" class="bd-open">Use the camera</button>
    <video muted playsinline hidden></video>
    <button type="button" class="bd-shoot" hidden>Take the photo</button>
    <p role="status"></p>`;
  const one = (selector) => box.querySelector(selector);
  const state = { box, input: one("input"), open: one(".bd-open"), video: one("video"),
    shoot: one(".bd-shoot"), status: one("p"), stream: null };
  state.input.onchange = () => takeFiles(state, [...state.input.files]);
  state.open.onclick = () => (state.stream ? stopCamera(state) : startCamera(state));
  state.shoot.onclick = () => takeFrame(state);
  box.ondragover = (event) => event.preventDefault();
  box.ondrop = (event) => {
    event.preventDefault();
    takeFiles(state, [...event.dataTransfer.files]);
  };
  return state;
}

function takeFiles(state, files) {
  state.input.value = ""; // so that the same file can be chosen again
  if (!files.length) return;
  sayIntake(state, "");
  bus.addPhotos(files.map((file) => ({ blob: file, name: file.name })));
}

async function startCamera(state) {
  try {
    state.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
  } catch {
    sayIntake(state, "The camera cannot be used: allow it in the browser, or upload a photo. It needs https or this very machine.");
    return;
  }
  if (!state.box.isConnected) { stopCamera(state); return; } // the dialog was closed meanwhile
  state.video.srcObject = state.stream;
  await state.video.play();
  state.video.hidden = state.shoot.hidden = false;
  state.open.textContent = "Close the camera";
}

function stopCamera(state) {
  for (const track of state.stream?.getTracks() ?? []) track.stop();
  state.stream = null;
  state.video.srcObject = null;
  state.video.hidden = state.shoot.hidden = true;
  state.open.textContent = "Use the camera";
}

/** The camera's picture without loss: what is measured is what it saw. */
async function takeFrame(state) {
  const { video } = state;
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  stopCamera(state);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  bus.addPhotos([{ blob, name: "" }]);
}

function sayIntake(state, text) {
  state.status.textContent = text;
}
