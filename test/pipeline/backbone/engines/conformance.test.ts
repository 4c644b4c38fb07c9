import { getBackend, KernelBackend, memory, registerBackend, setBackend } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WorldError } from '../../../../pipeline/errors.js';
import type { Engine, EngineName, EngineOptions } from '../../../../pipeline/backbone/engines/engine.js';
import { openEngine } from '../../../../pipeline/backbone/engines/open.js';
import { FEATURE_LENGTH, IMAGE_BYTES } from '../../../../pipeline/backbone/vgg16.js';
import { openWeights } from '../../../../pipeline/backbone/weights/open.js';
import type { Weights } from '../../../../pipeline/backbone/weights/weights.js';
import { EXACT_WEIGHTS, goldenFeatures, goldenPixels, HAS_GOLDEN, relativeError } from '../golden.js';

vi.setConfig({ testTimeout: 240_000 }); // WebAssembly takes most of a second a picture, alone on its core

registerBackend('unable', () => new KernelBackend()); // each op and each write throws on it

const embedded = await openWeights(undefined);

/** Pixels that every machine has: a picture of coloured waves, another for each n. */
function waves(n: number): Uint8Array {
  return Uint8Array.from({ length: n * IMAGE_BYTES }, (_, i) => {
    const [picture, inside] = [Math.floor(i / IMAGE_BYTES), i % IMAGE_BYTES];
    return 127 + 120 * Math.sin(inside / (31 + picture) + (inside % 3));
  });
}

async function isBuilt(name: EngineName): Promise<boolean> {
  try {
    await (await openEngine(name, embedded, {})).close();
    return true;
  } catch (error) {
    console.warn(`The conformance suite skips ${name}: ${String(error)}`);
    return false;
  }
}

const reference = await openEngine('onnx', embedded, {});
const waveFeatures = await reference.run(waves(1));
await reference.close();

const CASES: readonly { name: EngineName; options: EngineOptions; title: string }[] = [
  { name: 'onnx', options: {}, title: 'onnx' },
  { name: 'onnx', options: { graph: 'winograd' }, title: 'onnx, Winograd' },
  { name: 'wasm', options: {}, title: 'wasm' },
  { name: 'tensorflow', options: {}, title: 'tensorflow' },
];

for (const { name, options, title } of CASES) {
  describe.skipIf(!(await isBuilt(name)))(`engine ${title}`, () => {
    let engine: Engine;
    let tensors: number;
    beforeAll(async () => {
      tensors = memory().numTensors;
      engine = await openEngine(name, embedded, options);
    });
    afterAll(() => engine.close());

    it('gives the features of the onnx engine within 1e-5', async () => {
      const features = await engine.run(waves(1));
      expect(features).toHaveLength(FEATURE_LENGTH);
      expect(relativeError(features, waveFeatures)).toBeLessThan(1e-5);
    });

    it('gives the same bits in a batch of 4 as alone', async () => {
      const pixels = waves(4);
      const together = await engine.run(pixels);
      for (const i of [0, 3]) {
        const alone = await engine.run(pixels.slice(i * IMAGE_BYTES, (i + 1) * IMAGE_BYTES));
        expect(together.slice(i * FEATURE_LENGTH, (i + 1) * FEATURE_LENGTH)).toEqual(alone);
      }
    });

    it.each([
      [0, '0 bytes'],
      [IMAGE_BYTES - 1, '150527 bytes'],
      [IMAGE_BYTES + 3, '150531 bytes'],
    ])('refuses %i bytes', async (length, found) => {
      await expect(engine.run(new Uint8Array(length))).rejects.toThrow(
        `Expected pixels of shape [n, 224, 224, 3], got ${found}. A picture has 150528 bytes.`,
      );
    });

    it.skipIf(!HAS_GOLDEN)('is within 1e-3 of the exact features with the embedded weights', async () => {
      const features = await engine.run(await goldenPixels());
      expect(relativeError(features, await goldenFeatures('pool5-exact.npy'))).toBeLessThan(1e-3);
      expect(relativeError(features, await goldenFeatures('pool5-f16-weights.npy'))).toBeLessThan(1e-5);
    });

    it.skipIf(!HAS_GOLDEN)('is within 1e-5 of the exact features with the exact weights', async () => {
      const exact: Weights = await openWeights(EXACT_WEIGHTS);
      const other = await openEngine(name, exact, options);
      try {
        const [features, golden] = [await other.run(await goldenPixels()), await goldenFeatures('pool5-exact.npy')];
        for (let i = 0; i < 6; i++) {
          const [from, to] = [i * FEATURE_LENGTH, (i + 1) * FEATURE_LENGTH];
          expect(relativeError(features.subarray(from, to), golden.subarray(from, to))).toBeLessThan(1e-5);
        }
      } finally {
        await other.close();
      }
    });

    it('leaves the backend of others in this thread as it was', async () => {
      const before = getBackend();
      await setBackend('unable');
      expect(await engine.run(waves(1))).toHaveLength(FEATURE_LENGTH);
      expect(getBackend()).toBe('unable');
      const other = await openEngine(name, embedded, options);
      await other.close();
      expect(getBackend()).toBe('unable');
      if (before !== undefined) await setBackend(before);
    });

    it('refuses to run once closed, and closes twice', async () => {
      const other = await openEngine(name, embedded, options);
      await other.close();
      await other.close();
      await expect(other.run(waves(1))).rejects.toThrow(new WorldError('The engine is closed.'));
    });

    it('leaves no tensor behind', async () => {
      const before = memory().numTensors;
      await engine.run(waves(2));
      expect(memory().numTensors).toBe(before);
      await engine.close();
      expect(memory().numTensors).toBe(tensors);
      engine = await openEngine(name, embedded, options);
    });
  });
}

describe.each(['direct', 'winograd'] as const)('onnx, %s', (graph) => {
  it('gives the same bits with one thread and with two or more', async () => {
    const pixels = waves(3);
    const runs: Float32Array[] = [];
    for (const threads of [1, 2, 5]) {
      const engine = await openEngine('onnx', embedded, { threads, graph });
      runs.push(await engine.run(pixels));
      await engine.close();
    }
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });

  it('leaves the pixels to the caller, a part of something larger among them', async () => {
    const engine = await openEngine('onnx', embedded, { graph });
    const pixels = waves(2);
    const part = pixels.subarray(IMAGE_BYTES);
    expect((await engine.run(part)).slice(0, 9)).toEqual(
      (await engine.run(pixels)).slice(FEATURE_LENGTH, FEATURE_LENGTH + 9),
    );
    await engine.close();
  });
});
