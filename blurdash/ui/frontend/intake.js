// @module intake: takes photos from a file or the camera. They are decoded, turned upright, shrunk
// and stripped of everything but their pixels here; the file's name never leaves the browser.

const INTAKE_LARGEST_SIDE = 2048;
const INTAKE_LOSSLESS_PIXELS = 2_400_000; // up to this a photo is sent bit for bit
const INTAKE_MOST_BYTES = 25 * 1024 * 1024;
const INTAKE_MOST_PHOTOS = 12;
const INTAKE_TRIES = 4;
const INTAKE_RETRY_MS = 5000;
const INTAKE_PATIENCE_MS = 20000; // a busy server looks for faces that long

/** Draws upload and camera into a component's root. */
function mountIntake(component) {
  const root = component.parentElement;
  const state = (root.__blurdashIntake ??= newIntake(root));
  state.component = component;
  state.taken = component.data.taken;
  sayIntake(state, "");
  return () => {
    stopCamera(state);
    delete root.__blurdashIntake;
  };
}

function newIntake(root) {
  const box = root.querySelector(".bd-intake");
  box.innerHTML = `<style>${INTAKE_CSS}</style>
    <label class="bd-pick">Upload photos
      <input type="file" multiple accept="image/*,.heic,.heif,.tif,.tiff"></label>
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

async function takeFiles(state, files) {
  state.input.value = ""; // so that the same file can be chosen again
  if (!files.length) return;
  sayIntake(state, files.length > 1 ? `Reading ${files.length} photos …` : "Reading the photo …");
  const photos = [];
  for (const file of files.slice(0, INTAKE_MOST_PHOTOS)) photos.push(await packedPhoto(file));
  sendPhotos(state, photos);
}

/** A photo as base64: its pixels alone, or the file as it is where this browser cannot decode it. */
async function packedPhoto(file) {
  if (file.size > INTAKE_MOST_BYTES) return "too large";
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return asBase64(new Uint8Array(await file.arrayBuffer())); // HEIC, TIFF: the server reads them
  }
  const blob = await redrawnPhoto(bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  return asBase64(new Uint8Array(await blob.arrayBuffer()));
}

function redrawnPhoto(source, width, height) {
  const scale = Math.min(1, INTAKE_LARGEST_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  const lossless = width * height <= INTAKE_LOSSLESS_PIXELS && scale === 1;
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // what lies behind transparent pixels
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, lossless ? "image/png" : "image/jpeg", 0.95));
}

function asBase64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return btoa(text);
}

function sendPhotos(state, photos) {
  sayIntake(state, "Looking for faces …");
  const bus = (window.__blurdash ??= new EventTarget());
  // For a server that loses them with the connection; in this tab only, until they are forgotten.
  bus.photos = [...(bus.photos ?? []), ...photos].slice(-INTAKE_MOST_PHOTOS);
  sendUntilTaken(state, { number: Date.now(), photos }, INTAKE_TRIES);
}

/** A run of the page can swallow what is sent; the number lets the server take it in once. */
function sendUntilTaken(state, sending, tries) {
  state.component.setTriggerValue("photos", sending);
  const again = () => { if (state.taken !== sending.number) sendUntilTaken(state, sending, tries - 1); };
  if (tries > 1) setTimeout(again, INTAKE_PATIENCE_MS);
}

/** Sends the tab's photos to a server that has forgotten them; whether there are any. */
function sendPhotosAgain(component, label, number = Date.now(), tries = INTAKE_TRIES) {
  const bus = window.__blurdash;
  if (!bus.photos?.length) return false;
  component.setTriggerValue("again", { number, photos: bus.photos, label });
  // A run of the page can swallow it; the number lets the server take it in once.
  const again = () => { if (!bus.held) sendPhotosAgain(component, label, number, tries - 1); };
  if (tries > 1) setTimeout(again, INTAKE_RETRY_MS);
  return true;
}

async function startCamera(state) {
  try {
    state.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
  } catch {
    sayIntake(state, "The camera cannot be used: allow it in the browser, or upload a photo. It needs https or this very machine.");
    return;
  }
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

async function takeFrame(state) {
  const { video } = state;
  const blob = await redrawnPhoto(video, video.videoWidth, video.videoHeight);
  stopCamera(state);
  sendPhotos(state, [asBase64(new Uint8Array(await blob.arrayBuffer()))]);
}

function sayIntake(state, text) {
  state.status.textContent = text;
}
