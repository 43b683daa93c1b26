// @module worker: the core off the page's thread. What client.js asks, one after the other.
//
// A change may be asked for while another one is made: of each lane the newest is begun next, at once, without
// waiting for the page's thread. One that is overtaken so is answered with {overtaken}.

import { rightlyComputed } from "./check.js";
import { Core } from "./core.js";
import { Network, distancesOf } from "./network.js";

let bytes = null; // of core.wasm
let core = null;
let network = null;
let reference = null; // {embedding, stretched, plan} of what pictures are compared with
let made = 0; // number of the change whose picture the core holds
const waiting = new Map(); // changes by lane that are not begun yet, those that wait longest first
const bell = new MessageChannel(); // rings after what the page sent meanwhile has been taken in

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

  change({ number, kernel, stretched, shift, gain, ofReference, plan }) {
    made = number;
    core.compareWith(stretched);
    if (ofReference) core.changeReference(kernel);
    else core.change(kernel, stretched, shift, gain);
    const values = core.compare();
    if (plan && network) Object.assign(values, embeddedDistances(stretched, plan));
    return { values };
  },

  /** The picture of a change, where nothing was made since. */
  give({ of }) {
    return { rgba: of === made ? core.picture().slice() : null };
  },
};

function embeddedDistances(stretched, plan) {
  const name = JSON.stringify(plan);
  if (reference?.stretched !== stretched || reference.name !== name) {
    reference = { stretched, name, embedding: network.embed(core.crop(plan, true)) };
  }
  return distancesOf(reference.embedding, network.embed(core.crop(plan, false)));
}

self.onmessage = ({ data }) => {
  if (data.ask !== "change") {
    answer(data);
    return;
  }
  const before = waiting.get(data.lane);
  if (before) self.postMessage({ number: before.number, overtaken: true });
  waiting.delete(data.lane); // this one has not waited yet
  waiting.set(data.lane, data);
  bell.port2.postMessage(null);
};

bell.port1.onmessage = () => {
  const [next] = waiting.values();
  if (!next) return; // it was overtaken
  waiting.delete(next.lane);
  answer(next);
};

async function answer(asked) {
  try {
    const found = await ANSWERS[asked.ask](asked);
    self.postMessage({ number: asked.number, ...found }, found.rgba ? [found.rgba.buffer] : []);
  } catch (error) {
    self.postMessage({ number: asked.number, problem: String(error) });
  }
}
