// What does --precision int8 cost? `make bench-int8`; needs ../shared/data.
//
// The error of each layer's activations (relative L2, over 60 of the photographs in pets-test), and the heads' test
// error: the default preset trained on the 240 photographs of pets, ten times with another split and other seeds, with
// features of either precision, on the 600 of pets-test; the differences are paired. int8's ranges were measured on pets.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import onnxProto from 'onnx-proto';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { buildGraph } from '../dist/pipeline/backbone/engines/onnx/graph.js';
import { activationsOf, buildInt8Graph } from '../dist/pipeline/backbone/engines/onnx/int8.js';
import { embeddedRanges } from '../dist/pipeline/backbone/engines/onnx/ranges.js';
import { IMAGE_SIZE, STACK } from '../dist/pipeline/backbone/vgg16.js';
import { openWeights } from '../dist/pipeline/backbone/weights/open.js';
import { trainHead } from '../dist/pipeline/head/experiment.js';
import { metricsOf } from '../dist/pipeline/head/metrics.js';
import { prepare } from '../dist/pipeline/head/prepare.js';
import { PRESETS } from '../dist/pipeline/head/settings.js';
import { splitExamples } from '../dist/pipeline/head/split.js';
import { estimate } from '../dist/pipeline/head/statistics.js';
import { findImages } from '../dist/pipeline/images/find.js';
import { decodePixels } from '../dist/pipeline/images/pixels.js';
import { PACKAGE_ROOT } from '../dist/pipeline/package-root.js';
import { nodeEffects } from '../dist/pipeline/terminal/effects.js';
import { table } from '../dist/pipeline/terminal/table.js';

const { values } = parseArgs({ options: { work: { type: 'string', default: join(PACKAGE_ROOT, 'bench/.work') } } });
const SEEDS = 10;
const PICTURES = 60;
const photographs = join(PACKAGE_ROOT, '../shared/data');
const convolutions = STACK.filter((layer) => layer.kind === 'conv');

/** A graph with the activations of each convolution as further outputs. */
async function openWithLayers(bytes, nameOf, elemType) {
  const { ModelProto } = onnxProto.onnx;
  const model = ModelProto.decode(bytes);
  for (const layer of convolutions) {
    const name = nameOf(layer.name);
    model.graph.output.push({ name, type: { tensorType: { elemType: elemType(name) } } });
  }
  return InferenceSession.create(ModelProto.encode(model).finish());
}

const int8Name = (name) => (name === 'conv1_1' ? 'conv1_1.quantized' : name);

async function errorsByLayer() {
  const weights = await openWeights(undefined);
  const ranges = await embeddedRanges(weights);
  const float = await openWithLayers(
    await buildGraph(weights),
    (name) => name,
    () => 1,
  );
  const int8 = await openWithLayers(await buildInt8Graph(weights, ranges), int8Name, () => 2);
  const sums = new Map([...convolutions.map(({ name }) => name), 'pool5'].map((name) => [name, [0, 0]]));
  const add = (name, a, b) => {
    const sum = sums.get(name);
    for (const [at, value] of b.entries()) {
      sum[0] += (a(at) - value) ** 2;
      sum[1] += value ** 2;
    }
  };
  const { images } = await findImages(join(photographs, 'pets-test'));
  for (let i = 0; i < PICTURES; i++) {
    const pixels = await decodePixels(await readFile(images[Math.floor((i * images.length) / PICTURES)].path));
    const feeds = { pixels: new Tensor('uint8', new Uint8Array(pixels), [1, IMAGE_SIZE, IMAGE_SIZE, 3]) };
    const [exact, rough] = [await float.run(feeds), await int8.run(feeds)];
    for (const { name, outputs } of convolutions) {
      const { step, scale } = activationsOf({ name }, ranges);
      const { data, dims } = rough[int8Name(name)];
      const area = dims[2] * dims[3];
      add(name, (at) => data[at] * step * scale[Math.floor(at / area) % outputs], exact[name].data);
    }
    add('pool5', (at) => rough.features.data[at], exact.features.data);
  }
  return [...sums].map(([name, [difference, norm]]) => [name, Math.sqrt(difference / norm)]);
}

const cli = (...args) =>
  execFileSync(process.execPath, [join(PACKAGE_ROOT, 'dist/stages/cli.js'), ...args, '--quiet'], { stdio: 'pipe' });

/** Test RMSE (cm) of the default preset for each seed. */
async function headErrors(precision) {
  const features = join(values.work, `features-${precision}`);
  const labels = join(values.work, 'labels.csv');
  mkdirSync(values.work, { recursive: true });
  cli('extract', '--images', photographs, '--features', features, '--precision', precision);
  if (!existsSync(labels)) {
    const rules = ['--rule', 'cat: normal(40, 8) min 10', '--rule', 'dog: normal(100, 30) min 20', '--unit', 'cm'];
    cli('label', '--images', photographs, ...rules, '--seed', '1', '--out', labels);
  }
  const effects = nodeEffects({ quiet: true, signal: new AbortController().signal });
  const { experiment } = await prepare(features, { file: labels }, effects);
  const { examples } = experiment;
  const test = [...examples.keys()].filter((index) => examples[index].id.startsWith('pets-test/'));
  const errors = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const settings = { ...PRESETS.default, splitSeed: seed, initSeed: seed, batchSeed: seed };
    const parts = splitExamples(examples, settings);
    for (const index of test) parts[index] = 'test';
    const { predictions } = await trainHead(experiment, parts, settings, { signal: effects.signal });
    const targets = test.map((index) => examples[index].target);
    errors.push(
      metricsOf(
        targets,
        test.map((index) => predictions[index]),
      ).rmse,
    );
  }
  return errors;
}

const percent = (value) => `${(100 * value).toFixed(2)}%`;
console.log(
  table(
    (await errorsByLayer()).map(([name, error]) => [name, percent(error)]),
    { head: ['layer', 'error'], right: [1] },
  ),
);
const [float, int8] = [await headErrors('float32'), await headErrors('int8')];
const show = (list) => {
  const { mean, deviation, interval } = estimate(list);
  const [low, high] = interval;
  return `${mean.toFixed(2)} ± ${deviation.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
};
console.log(`float32: test RMSE ${show(float)} cm over ${SEEDS} seeds`);
console.log(`int8:    test RMSE ${show(int8)} cm`);
console.log(`int8 - float32, paired: ${show(int8.map((error, i) => error - float[i]))} cm`);
