import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openEngine } from '../../dist/pipeline/backbone/engines/open.js';
import { FEATURE_LENGTH, IMAGE_BYTES, IMAGE_SIZE, STACK } from '../../dist/pipeline/backbone/vgg16.js';

/** What runs the stack: a line each. A timing takes all pictures once; of a slow engine fewer, of a fast one several times. */
const ROWS = [
  { name: 'onnx, direct', engine: 'onnx', options: {} },
  { name: 'onnx, Winograd', engine: 'onnx', options: { graph: 'winograd' } },
  { name: 'onnx, int8', engine: 'onnx', options: { graph: 'int8' }, passes: 3 },
  { name: 'tensorflow', engine: 'tensorflow', options: {} },
  { name: 'wasm', engine: 'wasm', options: {}, pictures: 2 },
];

/** Billions of multiplications and additions of the stack for a picture: a multiply-add counts as two. */
export const GFLOP = (() => {
  let size = IMAGE_SIZE;
  let sum = 0;
  for (const layer of STACK) {
    if (layer.kind === 'pool') size /= 2;
    else sum += 2 * 9 * layer.inputs * layer.outputs * size * size * 1e-9;
  }
  return sum;
})();

/**
 * pool5's engines on pictures that are decoded already; those that do not load are named on stderr and left out.
 * @param pixels uint8 [n, 224, 224, 3]
 */
export async function engineContestants(weights, pixels, scratch) {
  const contestants = [];
  for (const row of ROWS) contestants.push(await open(row, weights, pixels, scratch));
  return contestants.filter((each) => each !== undefined);
}

async function open(row, weights, allPixels, scratch) {
  let engine;
  try {
    engine = await openEngine(row.engine, weights, row.options);
  } catch (error) {
    console.error(`Without ${row.name}: ${error.message}`);
    return undefined;
  }
  const images = row.pictures ?? allPixels.length / IMAGE_BYTES;
  const pixels = allPixels.subarray(0, images * IMAGE_BYTES);
  const step = engine.batchSize * IMAGE_BYTES;
  const passes = row.passes ?? 1;
  return {
    name: row.name,
    description: engine.description,
    /** Images/s; leaves the features in features-NAME.f32. */
    async measure() {
      const features = new Float32Array(images * FEATURE_LENGTH);
      const started = performance.now();
      for (let pass = 0; pass < passes; pass++) {
        for (let at = 0; at < pixels.length; at += step) {
          features.set(await engine.run(pixels.slice(at, at + step)), (at / IMAGE_BYTES) * FEATURE_LENGTH);
        }
      }
      const seconds = (performance.now() - started) / 1000;
      writeFileSync(join(scratch, `features-${row.name}.f32`), features);
      return (passes * images) / seconds;
    },
    close: () => engine.close(),
  };
}
