import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io, tensor2d, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-node';
import { beforeAll, describe, expect, test } from 'vitest';
import { openWeights } from '../../pipeline/backbone/weights/open.js';
import { FEATURE_LENGTH, IMAGE_BYTES } from '../../pipeline/backbone/vgg16.js';
import { openHead } from '../../pipeline/head/open.js';
import { decodePixels } from '../../pipeline/images/pixels.js';
import { PACKAGE_ROOT } from '../../pipeline/package-root.js';
import { useWasm } from '../../pipeline/tensorflow/wasm.js';
import { KEY, randomFeature, writeCache } from '../pipeline/head/memory-cache.js';

const CLI = join(PACKAGE_ROOT, 'dist/stages/cli.js');
const GOLDEN = join(PACKAGE_ROOT, '../shared/golden');
const folder = mkdtempSync(join(tmpdir(), 'pool5-export-'));
const artifacts = join(folder, 'artifacts');

function pool5(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [CLI, ...args, '--quiet'], { encoding: 'utf8', cwd: folder });
}

beforeAll(async () => {
  const { digest } = await openWeights(undefined);
  const photographs = new Map(Array.from({ length: 30 }, (_, index) => [`${index}.jpg`, randomFeature(index)]));
  const features = await writeCache(photographs, { ...KEY, weights: digest });
  const labels = join(folder, 'labels.csv');
  const rows = [...photographs.keys()].map((id, index) => `${id},${100 + ((index * 7) % 30)}\n`);
  writeFileSync(labels, `image,length_cm\n${rows.join('')}`);
  const train = ['train', '--labels', labels, '--features', features, '--artifacts', artifacts, '--epochs', '3'];
  pool5(...train, '--run', 'layer', '--hidden', '16,4');
  pool5(...train, '--run', 'plain', '--hidden', '8', '--normalize', 'none');
  pool5(...train, '--run', 'log', '--hidden', '8', '--target', 'log');
  pool5(...train, '--run', 'ridge', '--head', 'ridge');
  await useWasm();
});

describe.skipIf(!existsSync(GOLDEN))('export --to onnx (skipped without ../shared/golden)', () => {
  const pictures = existsSync(GOLDEN)
    ? readdirSync(GOLDEN)
        .filter((name) => name.endsWith('.png'))
        .map((name) => join(GOLDEN, name))
    : [];

  async function pixels(): Promise<Uint8Array> {
    const all = await Promise.all(pictures.map(async (file) => decodePixels(readFileSync(file))));
    return Buffer.concat(all);
  }

  function predictions(run: string): number[] {
    const { stdout } = pool5('predict', '--artifacts', artifacts, '--run', run, '--json', ...pictures);
    const found: { image: string; prediction: number }[] = JSON.parse(stdout).predictions;
    return pictures.map((file) => found.find(({ image }) => image === file)?.prediction ?? Number.NaN);
  }

  test.each(['layer', 'plain', 'log', 'ridge'])('%s: pictures in, numbers out, as predict within 1e-4', async (run) => {
    const file = join(folder, `${run}.onnx`);
    const { status, stdout } = pool5('export', '--artifacts', artifacts, '--run', run, '--to', 'onnx', '--out', file);
    expect(status).toBe(0);
    expect(stdout).toContain('uint8 [n, 224, 224, 3] (RGB, the centre square) in, a number in cm each out\n');
    const expected = predictions(run);
    const batch = await pixels();
    const session = await InferenceSession.create(file);
    const feeds = { [session.inputNames[0] ?? '']: new OnnxTensor('uint8', batch, [pictures.length, 224, 224, 3]) };
    const { prediction } = await session.run(feeds);
    expect(prediction?.dims).toEqual([pictures.length]);
    for (const [index, value] of expected.entries()) {
      expect(Math.abs(Number(prediction?.data[index]) / value - 1)).toBeLessThan(1e-4);
    }
    await session.release();
  });

  const python = process.env['POOL5_PYTHON'];
  test.skipIf(python === undefined)('onnxruntime in Python agrees (skipped without POOL5_PYTHON)', async () => {
    const file = join(folder, 'python.onnx');
    pool5('export', '--artifacts', artifacts, '--run', 'layer', '--to', 'onnx', '--out', file);
    const raw = join(folder, 'pixels.raw');
    const batch = await pixels();
    expect(batch.length).toBe(pictures.length * IMAGE_BYTES);
    writeFileSync(raw, batch);
    const script = join(PACKAGE_ROOT, 'test/peers/onnx.py');
    const output = execFileSync(python ?? '', [script, file, raw, String(pictures.length)], { encoding: 'utf8' });
    const values: number[] = JSON.parse(output);
    for (const [index, value] of predictions('layer').entries()) {
      expect(Math.abs((values[index] ?? Number.NaN) / value - 1)).toBeLessThan(1e-4);
    }
  });
});

describe('export --to tfjs', () => {
  test('gives the files that a browser loads', async () => {
    const out = join(folder, 'web');
    const { status, stdout } = pool5(
      'export',
      '--artifacts',
      artifacts,
      '--run',
      'layer',
      '--to',
      'tfjs',
      '--out',
      out,
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Wrote .+web \(1\.6 MB\) from .+layer\.\n/);
    const fetchFunc = async (input: string | Request | URL): Promise<Response> => {
      const url = input instanceof Request ? input.url : String(input);
      return new Response(new Uint8Array(readFileSync(join(out, url.replace('https://host/', '')))), {
        headers: { 'content-type': url.endsWith('.json') ? 'application/json' : 'application/octet-stream' },
      });
    };
    const model = await loadLayersModel(io.http('https://host/model.json', { fetchFunc }));
    const feature = randomFeature(99);
    const outputs = tidy(() => {
      const output = model.predict(tensor2d(feature, [1, FEATURE_LENGTH]));
      const [first]: (Tensor | undefined)[] = Array.isArray(output) ? output : [output];
      return [...(first?.dataSync() ?? [])];
    });
    model.dispose();
    const head = await openHead(join(artifacts, 'layer'));
    expect(outputs.length).toBe(1);
    // TensorFlow.js sums 25,088 products in float32.
    expect((outputs[0] ?? 0) / (head.predict(feature)[0] ?? 1)).toBeCloseTo(1, 3);
    head.close();
  });
});

describe('bad input', () => {
  test('no such run, no such format', () => {
    expect(pool5('export', '--artifacts', artifacts, '--run', 'none', '--to', 'onnx')).toMatchObject({
      status: 2,
      stderr:
        `pool5: Expected a run's folder, or its name, got "none" (--run; searched in ${artifacts}). ` +
        'pool5 runs lists the runs there are; pool5 train makes one.\n',
    });
    expect(pool5('export', '--artifacts', artifacts, '--run', 'layer', '--to', 'pmml').status).toBe(2);
  });

  test('other weights than the head was trained on', () => {
    const { status, stderr } = pool5(
      'export',
      '--artifacts',
      artifacts,
      '--run',
      'layer',
      '--to',
      'onnx',
      '--weights',
      'random:1',
    );
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^pool5: Expected the weights of the backbone that the head was trained on \([0-9a-f]{64}\), got [0-9a-f]{64} \(.+layer\)\. Give the same --weights as when the features were extracted\.\n$/,
    );
  });
});
