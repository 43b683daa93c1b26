// @module scene: which face and settings the page shows, and a way to have the whole of it drawn.

import { bus } from "../bus.js";
import { whyNotHere } from "../wasm/client.js";

let page = null; // this component, which is in no part of the page that runs by itself
let told = false; // whether the server knows that it has to draw
let listening = false;

/** Takes which face and settings are shown: numbers of any other are stale from now on. */
export function takeScene(component) {
  const { key, session, shown } = component.data;
  // Until photos that are sent again are there, the portrait stands in for the face that was shown.
  if ((bus.session === session && !bus.carrier?.again) || !bus.shown) bus.shown = shown;
  if (bus.scene !== key || bus.session !== session) bus.served = new Map(); // pictures of another face
  // Another page of ours, or a server that was started anew: neither knows who draws.
  if (page?.parentElement !== component.parentElement || bus.session !== session) told = false;
  bus.scene = key;
  bus.session = session;
  bus.face = shown;
  page = component;
  bus.dispatchEvent(new Event("curve"));
  if (!listening) {
    listening = true;
    bus.addEventListener("not-here", askForPictures);
  }
  if (whyNotHere()) askForPictures();
}

/** Has the server draw what this browser cannot. */
function askForPictures() {
  if (told) return;
  told = true;
  page.setStateValue("drawn", "server");
}

/**
 * Has the whole page drawn, where an answer was lost.  A server that was started anew knows none of
 * the parts that run by themselves, and drops all that they ask, without a word.  Where one of them
 * runs it only waits in line, and would lose its place.
 */
export function renewPage() {
  if (document.querySelector(".stApp")?.dataset.testScriptState === "running") return;
  page?.setTriggerValue("renew", Date.now());
}
