// Runs TensorFlow.js itself on a graph model and prints what comes out, for graph_models.json.
//
//     npm install @tensorflow/tfjs-core@4 @tensorflow/tfjs-converter@4 @tensorflow/tfjs-backend-cpu@4
//     node graph_model.mjs MODEL_WITHOUT_ENDING SIDE NAME_OF_INPUT
//
// The picture is the one that tests/test_faceres.py computes.

import fs from "node:fs";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";

const [, , base, size, input] = process.argv;
const { modelTopology, weightsManifest, format } = JSON.parse(fs.readFileSync(`${base}.json`));
const bytes = fs.readFileSync(`${base}.bin`);
const weightData = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
const load = async () => ({ modelTopology, weightSpecs: weightsManifest[0].weights, weightData, format });
await tf.setBackend("cpu");
const model = await loadGraphModel({ load });
const side = Number(size);
const picture = Float32Array.from({ length: side * side * 3 }, (_, i) => {
  const [y, x, channel] = [Math.floor(i / (3 * side)), Math.floor(i / 3) % side, i % 3];
  return ((x * (channel + 3) + y * 7) % 97) * 2.5 - 120;
});
const result = model.execute({ [input]: tf.tensor4d(picture, [1, side, side, 3]) }, ["global_pooling/Mean"]);
const values = await [result].flat()[0].data();
console.log(JSON.stringify({ tfjs: tf.version_core, values: Array.from(values, (value) => Number(value.toPrecision(7))) }));
