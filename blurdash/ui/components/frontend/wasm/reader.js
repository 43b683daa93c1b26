// @module reader: which recogniser reads out the face that is shown, if this browser can: its network is
// fetched once, and kept by the browser.

import { bus } from "../bus.js";
import { giveUp, whyNotHere } from "./client.js";

// By how much a number of this browser may differ from the server's, and by which share of itself: its
// weights are rounded, and the server blurs fast. Tests hold every number to far less.
const READER_TOLERANCES = { psnr: [0.02, 0], ssim: [2e-4, 0], sharpness_ratio: [0.02, 0.02], cosine_similarity: [5e-4, 0], l1: [4e-3, 0.01], l2: [1e-3, 0.01] };

/**
 * What the server says of it, with the numbers: the settings that it belongs to, where its network is,
 * and how its crop is cut from this face. Null where the server reads out.
 */
export function takeReader(reader) {
  if (JSON.stringify(reader) === JSON.stringify(bus.reader ?? null)) return;
  bus.reader = reader;
  if (!reader) return;
  if (readerNow()) bus.dispatchEvent(new Event("reader"));
  else fetchNetwork(reader.network);
}

/** The reader of what is shown now, once its network is here; null before. */
export function readerNow() {
  const { reader, networks } = bus;
  if (!reader || reader.key !== (bus.scene ?? reader.key) || whyNotHere()) return null;
  const packed = networks?.get(reader.network);
  return packed instanceof ArrayBuffer ? { ...reader, packed } : null;
}

/** Compares this browser's numbers with the server's, by measure; where they differ, the server goes on. */
export function compareWithServer(mine, servers) {
  for (const [measure, [most, share]] of Object.entries(READER_TOLERANCES)) {
    const [one, other] = [mine[measure], servers[measure]];
    if (!Number.isFinite(one) || typeof other !== "number") continue;
    if (Math.abs(one - other) > most + share * Math.abs(other)) giveUp("its numbers differ from the server's");
  }
}

async function fetchNetwork(address) {
  bus.networks ??= new Map();
  // Whoever saves data gets what is computed without it, and the rest from the server.
  if (bus.networks.has(address) || navigator.connection?.saveData || whyNotHere()) return;
  bus.networks.set(address, null);
  try {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${answer.status}`);
    bus.networks = new Map([[address, await answer.arrayBuffer()]]); // of one recogniser at a time
    bus.dispatchEvent(new Event("reader"));
  } catch {
    bus.networks.set(address, false); // the server goes on reading out
  }
}
