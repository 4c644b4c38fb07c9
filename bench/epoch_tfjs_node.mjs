// Milliseconds of an epoch of the tutorial's head in tfjs-node: node bench/epoch_tfjs_node.mjs WIDTH. Prints JSON.
import { createRequire } from 'node:module';
import util from 'node:util';

// tfjs-node calls what Node has removed.
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
util.isArray ??= Array.isArray;
const tf = createRequire(import.meta.url)('@tensorflow/tfjs-node');

const width = Number(process.argv[2]);
const x = tf.relu(tf.randomNormal([800, width], 0, 1, 'float32', 1));
const y = tf.randomNormal([800, 1], 0, 1, 'float32', 2);
const model = tf.sequential({
  layers: [tf.layers.dense({ inputShape: [width], units: 256, activation: 'relu' }), tf.layers.dense({ units: 1 })],
});
model.compile({ optimizer: tf.train.rmsprop(1e-3), loss: 'meanSquaredError' });
const milliseconds = [];
let started = 0;
const callbacks = {
  onEpochBegin: () => void (started = performance.now()),
  onEpochEnd: () => void milliseconds.push(performance.now() - started),
};
await model.fit(x, y, { batchSize: 32, epochs: 6, verbose: 0, callbacks });
const sorted = milliseconds.slice(1).toSorted((a, b) => a - b);
console.log(JSON.stringify({ version: tf.version.tfjs, milliseconds: sorted[Math.floor(sorted.length / 2)] }));
