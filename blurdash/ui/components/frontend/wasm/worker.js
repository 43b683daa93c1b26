// @module worker: the core off the page's thread. What client.js asks, one after the other.

import { rightlyComputed } from "./check.js";
import { Core } from "./core.js";
import { Network, distancesOf } from "./network.js";

let bytes = null; // of core.wasm
let core = null;
let network = null;
let reference = null; // {embedding, stretched, plan} of what pictures are compared with

/** Answers by name; what they return is sent back, with what is not copied on the way. */
const ANSWERS = {
  async start(asked) {
    ({ bytes } = asked);
    core = await Core.start(bytes);
    return { right: rightlyComputed(core) };
  },

  picture({ rgba, size }) {
    core.setPicture(rgba, size, true);
    reference = null;
    return {};
  },

  async network({ packed }) {
    network = null; // its memory can go before there is another
    reference = null;
    network = await Network.start(bytes, packed);
    return {};
  },

  change({ kernel, stretched, shift, gain, ofReference, plan, painted }) {
    core.compareWith(stretched);
    if (ofReference) core.changeReference(kernel);
    else core.change(kernel, stretched, shift, gain);
    const values = core.compare();
    if (plan && network) Object.assign(values, embeddedDistances(stretched, plan));
    return { rgba: painted ? core.picture().slice() : null, values };
  },
};

function embeddedDistances(stretched, plan) {
  const name = JSON.stringify(plan);
  if (reference?.stretched !== stretched || reference.name !== name) {
    reference = { stretched, name, embedding: network.embed(core.crop(plan, true)) };
  }
  return distancesOf(reference.embedding, network.embed(core.crop(plan, false)));
}

self.onmessage = async ({ data }) => {
  try {
    const answer = await ANSWERS[data.ask](data);
    self.postMessage({ number: data.number, ...answer }, answer.rgba ? [answer.rgba.buffer] : []);
  } catch (error) {
    self.postMessage({ number: data.number, problem: String(error) });
  }
};
