// @module worker: the core off the page's thread. What client.js asks, one after the other.

import { rightlyComputed } from "./check.js";
import { Core } from "./core.js";

let core = null;

/** Answers by name; what they return is sent back, with what is not copied on the way. */
const ANSWERS = {
  async start({ bytes }) {
    core = await Core.start(bytes);
    return { right: rightlyComputed(core) };
  },

  picture({ rgba, size }) {
    core.setPicture(rgba, size, true);
    return {};
  },

  change({ kernel, stretched, shift, compared }) {
    if (compared) core.compareWith(stretched);
    core.change(kernel, stretched, shift);
    const values = compared ? core.compare() : null;
    return { rgba: core.picture().slice(), values };
  },
};

self.onmessage = async ({ data }) => {
  try {
    const answer = await ANSWERS[data.ask](data);
    self.postMessage({ number: data.number, ...answer }, answer.rgba ? [answer.rgba.buffer] : []);
  } catch (error) {
    self.postMessage({ number: data.number, problem: String(error) });
  }
};
