import { mkdirSync, mkdtempSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io, memory, tensor2d, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { FEATURE_LENGTH } from '../../../pipeline/backbone/vgg16.js';
import { initialWeights } from '../../../pipeline/head/dense.js';
import { checkKey, openHead, resolveRun } from '../../../pipeline/head/open.js';
import type { RunConfig } from '../../../pipeline/head/run-config.js';
import { checkRunName, saveRun, type RunContent } from '../../../pipeline/head/run-folder.js';
import { PRESETS, type Settings } from '../../../pipeline/head/settings.js';
import { useWasm } from '../../../pipeline/tensorflow/wasm.js';
import { KEY, randomFeature } from './memory-cache.js';

beforeAll(useWasm);

const config = (seed = 1): RunConfig => ({
  version: 1,
  pool5: '0.1.0',
  preset: 'default',
  labels: { file: 'labels.csv', sha256: 'c'.repeat(64), id: null, target: 'length_cm', unit: 'cm', splitBy: null },
  features: { folder: 'features', identity: 'd'.repeat(64), key: KEY, images: 'e'.repeat(64), random: false },
  settings: { ...PRESETS.default, splitSeed: seed },
});

const content = (seed = 1, normalize: Settings['normalize'] = 'none'): RunContent => ({
  config: { ...config(seed), settings: { ...config(seed).settings, normalize } },
  history: [{ epoch: 1, step: 2, loss: 0.5, validationLoss: null, milliseconds: 3 }],
  examples: [{ id: 'a "b".jpg', digest: 'f'.repeat(64), target: 4, group: 'g' }],
  parts: ['train'],
  predictions: [4.5],
  layers: initialWeights(FEATURE_LENGTH, FEATURE_LENGTH, [4], seed),
  summary: { photographs: 1 },
});

function normalizedByHand(feature: Float32Array): Float32Array {
  const mean = feature.reduce((sum, value) => sum + value, 0) / FEATURE_LENGTH;
  const variance = feature.reduce((sum, value) => sum + (value - mean) ** 2, 0) / FEATURE_LENGTH;
  return feature.map((value) => (value - mean) / Math.sqrt(variance + 1e-3));
}

const artifactsFolder = (): string => mkdtempSync(join(tmpdir(), 'pool5-artifacts-'));
const features = Float32Array.of(...randomFeature(1), ...randomFeature(2), ...randomFeature(3));

/** The head's formula, in float64. */
function byHand(layers: RunContent['layers'], row: Float32Array): number {
  const [first, second] = layers;
  let output = second?.bias[0] ?? 0;
  for (let unit = 0; unit < 4; unit++) {
    let sum = first?.bias[unit] ?? 0;
    for (const [i, value] of row.entries()) sum += value * (first?.kernel[i * 4 + unit] ?? 0);
    output += Math.max(0, sum) * (second?.kernel[unit] ?? 0);
  }
  return output;
}

describe('a saved run', () => {
  test('has its files, and nothing temporary is left', async () => {
    const artifacts = artifactsFolder();
    const folder = await saveRun(artifacts, 'one', content());
    expect(readdirSync(artifacts).toSorted()).toEqual(['latest', 'one']);
    expect(readdirSync(folder).toSorted()).toEqual([
      'config.json',
      'metrics.jsonl',
      'model.json',
      'predictions.csv',
      'summary.json',
      'weights.bin',
    ]);
    const text = (name: string): string => readFileSync(join(folder, name), 'utf8');
    expect(text('predictions.csv')).toBe('id,split,target,prediction\n"a ""b"".jpg",train,4,4.5\n');
    expect(text('metrics.jsonl')).toBe('{"epoch":1,"step":2,"loss":0.5,"validationLoss":null,"milliseconds":3}\n');
    expect(JSON.parse(text('config.json'))).toEqual(content().config);
    expect(readFileSync(join(artifacts, 'latest'), 'utf8')).toBe('one\n');
  });

  test.each(['none', 'layer'] as const)(
    'opens as a head that computes the formula (normalize %s)',
    async (normalize) => {
      const { layers } = content();
      const head = await openHead(await saveRun(artifactsFolder(), 'one', content(1, normalize)));
      const predictions = head.predict(features);
      head.close();
      expect(head.unit).toBe('cm');
      expect(head.key).toEqual(KEY);
      for (const row of [0, 1, 2]) {
        const own = features.slice(row * FEATURE_LENGTH, (row + 1) * FEATURE_LENGTH);
        const expected = byHand(layers, normalize === 'layer' ? normalizedByHand(own) : own);
        expect(predictions[row]).toBeCloseTo(expected, 5);
      }
    },
  );

  test("TensorFlow.js's own loader opens it", async () => {
    const folder = await saveRun(artifactsFolder(), 'one', content());
    // A host that serves the two files, as a browser would fetch them.
    const fetchFunc = async (input: string | Request | URL): Promise<Response> => {
      const url = input instanceof Request ? input.url : String(input);
      return new Response(new Uint8Array(readFileSync(join(folder, url.replace('https://host/', '')))), {
        headers: { 'content-type': url.endsWith('.json') ? 'application/json' : 'application/octet-stream' },
      });
    };
    const model = await loadLayersModel(io.http('https://host/model.json', { fetchFunc }));
    const outputs = tidy(() => {
      const output = model.predict(tensor2d(features, [3, FEATURE_LENGTH]));
      const [first]: (Tensor | undefined)[] = Array.isArray(output) ? output : [output];
      return [...(first?.dataSync() ?? [])];
    });
    model.dispose();
    const head = await openHead(folder);
    const predictions = head.predict(features);
    expect(outputs.length).toBe(3);
    for (const [index, value] of outputs.entries()) expect(value).toBeCloseTo(predictions[index] ?? Number.NaN, 3);
    head.close();
  });

  test('saving leaves no tensor behind', async () => {
    const before = memory().numTensors;
    await saveRun(artifactsFolder(), 'one', content());
    expect(memory().numTensors).toBe(before);
  });

  test('predicts nothing once it is closed', async () => {
    const head = await openHead(await saveRun(artifactsFolder(), 'one', content()));
    head.close();
    expect(() => head.predict(features)).toThrow('The head is closed.');
  });

  test('refuses features of another length', async () => {
    const head = await openHead(await saveRun(artifactsFolder(), 'one', content()));
    expect(() => head.predict(features.subarray(1))).toThrow(
      'Expected features of shape [n, 7, 7, 512], got 75263 numbers. A photograph has 25,088.',
    );
    head.close();
  });

  test('refuses other weights and names both', async () => {
    const head = await openHead(await saveRun(artifactsFolder(), 'one', content()));
    head.close();
    expect(() => checkKey(head, { ...KEY, weights: 'b'.repeat(64) })).toThrow(
      `Expected the weights of the backbone that the head was trained on (${'a'.repeat(64)}), got ${'b'.repeat(64)} ` +
        `(${head.folder}). Give the same --weights as when the features were extracted.`,
    );
    expect(() => checkKey(head, KEY)).not.toThrow();
  });

  test('refuses damaged weights', async () => {
    const folder = await saveRun(artifactsFolder(), 'one', content());
    truncateSync(join(folder, 'weights.bin'), 400);
    await expect(openHead(folder)).rejects.toThrow(
      `Expected a saved head (model.json and weights.bin), got weights.bin has 400 bytes instead of 401444 (${folder}). ` +
        'Train it again.',
    );
  });

  test('refuses a damaged config.json', async () => {
    const folder = await saveRun(artifactsFolder(), 'one', content());
    writeFileSync(join(folder, 'config.json'), '{');
    await expect(openHead(folder)).rejects.toThrow(
      `Expected a run's config.json, got something that is not JSON (${join(folder, 'config.json')}).`,
    );
  });
});

describe('resolveRun', () => {
  test('takes a name, a folder and the latest', async () => {
    const artifacts = artifactsFolder();
    const folder = await saveRun(artifacts, 'one', content());
    for (const name of ['one', folder, 'latest', join(artifacts, 'latest')]) {
      expect(await resolveRun(name, artifacts)).toBe(folder);
    }
  });

  test('says what is not a run', async () => {
    const artifacts = artifactsFolder();
    mkdirSync(join(artifacts, 'empty'));
    await expect(resolveRun('empty', artifacts)).rejects.toThrow(
      `Expected a run's folder, got a folder without config.json (${join(artifacts, 'empty')}). ` +
        'pool5 runs lists the runs there are.',
    );
    await expect(resolveRun('none', artifacts)).rejects.toThrow(
      `Expected a run's folder, or its name, got "none" (--run; searched in ${artifacts}). ` +
        'pool5 runs lists the runs there are; pool5 train makes one.',
    );
  });
});

describe('checkRunName', () => {
  test('lets the same run be made again, whatever its files are called', async () => {
    const artifacts = artifactsFolder();
    await saveRun(artifacts, 'one', content());
    const moved = { ...content().config, labels: { ...config().labels, file: 'elsewhere.csv' } };
    await expect(checkRunName(artifacts, 'one', moved)).resolves.toBeUndefined();
    await saveRun(artifacts, 'one', content());
    expect(readdirSync(artifacts).toSorted()).toEqual(['latest', 'one']);
  });

  test('never replaces another run', async () => {
    const artifacts = artifactsFolder();
    const folder = await saveRun(artifacts, 'one', content());
    await expect(checkRunName(artifacts, 'one', config(2))).rejects.toThrow(
      `Expected a new name, or a run of the same settings and photographs, got another run (${folder}). ` +
        'Give another --run, or remove that one.',
    );
  });

  test('nor a folder that is not a run', async () => {
    const artifacts = artifactsFolder();
    mkdirSync(join(artifacts, 'mine'));
    await expect(checkRunName(artifacts, 'mine', config())).rejects.toThrow(
      `Expected a run's config.json, got no such file (${join(artifacts, 'mine', 'config.json')}).`,
    );
  });

  test.each(['../one', 'a/b', '.hidden', 'latest', ''])('refuses the name %j', async (name) => {
    await expect(checkRunName(artifactsFolder(), name, config())).rejects.toThrow(
      `Expected a name of letters, digits and . _ - + =, got "${name}" (--run). latest and records are taken.`,
    );
  });
});
