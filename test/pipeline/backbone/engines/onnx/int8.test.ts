import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../../../pipeline/errors.js';
import { measureRanges } from '../../../../../pipeline/backbone/engines/onnx/calibrate.js';
import type { Engine } from '../../../../../pipeline/backbone/engines/engine.js';
import { openOnnx } from '../../../../../pipeline/backbone/engines/onnx/onnx.js';
import { rangesSchema, rangesToJson } from '../../../../../pipeline/backbone/engines/onnx/ranges.js';
import { FEATURE_LENGTH, IMAGE_BYTES } from '../../../../../pipeline/backbone/vgg16.js';
import { openWeights } from '../../../../../pipeline/backbone/weights/open.js';
import { goldenFeatures, goldenPixels, HAS_GOLDEN, relativeError } from '../../golden.js';

const embedded = await openWeights(undefined);

/** n pictures of soft waves, each another. */
function waves(n: number): Uint8Array {
  return Uint8Array.from({ length: n * IMAGE_BYTES }, (_, i) => {
    const [picture, inside] = [Math.floor(i / IMAGE_BYTES), i % IMAGE_BYTES];
    return 127 + 90 * Math.sin(inside / (31 + picture) + (inside % 3));
  });
}

describe('engine onnx, int8', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openOnnx(embedded, { graph: 'int8' });
  });
  afterAll(() => engine.close());

  it('says so', () => {
    expect(engine.description).toMatch(/^onnxruntime-node [\d.]+, CPU, \d+ threads?, int8$/);
  });

  it.skipIf(!HAS_GOLDEN)('is within 5% of the exact features', async () => {
    const error = relativeError(await engine.run(await goldenPixels()), await goldenFeatures('pool5-exact.npy'));
    expect(error).toBeLessThan(0.05);
    expect(error).toBeGreaterThan(0.001); // or it was another graph
  });

  it('gives the same bits in a batch of 4 as alone, with one thread and with five', async () => {
    const pixels = waves(4);
    const together = await engine.run(pixels);
    for (const threads of [1, 5]) {
      const other = await openOnnx(embedded, { graph: 'int8', threads });
      for (let i = 0; i < 4; i++) {
        const alone = await other.run(pixels.subarray(i * IMAGE_BYTES, (i + 1) * IMAGE_BYTES));
        expect(together.slice(i * FEATURE_LENGTH, (i + 1) * FEATURE_LENGTH)).toEqual(alone);
      }
      await other.close();
    }
  });

  it('refuses weights without ranges, and takes them where they were measured', async () => {
    const weights = await openWeights('random:1');
    await expect(openOnnx(weights, { graph: 'int8' })).rejects.toThrow(
      new InputError(
        'Expected ranges of the activations for int8, got none for these weights (random:1). ' +
          'Extract and train again: a run keeps the ranges of its features.',
      ),
    );
    const pixels = waves(2);
    const ranges = await measureRanges(weights, [pixels.subarray(0, IMAGE_BYTES), pixels.subarray(IMAGE_BYTES)]);
    const [int8, float] = [await openOnnx(weights, { graph: 'int8', ranges }), await openOnnx(weights, {})];
    expect(relativeError(await int8.run(pixels), await float.run(pixels))).toBeLessThan(0.06);
    await Promise.all([int8.close(), float.close()]);
  });
});

describe('measureRanges', () => {
  it('gives the maximum of each channel over all pictures', async () => {
    const pixels = waves(2);
    const ranges = await measureRanges(embedded, [pixels.subarray(0, IMAGE_BYTES), pixels.subarray(IMAGE_BYTES)]);
    const engine = await openOnnx(embedded, {});
    const features = await engine.run(pixels);
    await engine.close();
    const maxima = new Float32Array(512); // a pool passes on what is largest
    for (const [at, value] of features.entries()) maxima[at % 512] = Math.max(maxima[at % 512] ?? 0, value);
    expect(ranges.get('conv5_3')).toEqual(maxima);
    expect([...ranges.keys()]).toEqual([...embedded.layers.keys()]);
  });

  it('survives being kept as JSON to 4 digits, and no layer may be missing', async () => {
    const ranges = await measureRanges(embedded, [waves(1)]);
    const json = rangesToJson(ranges);
    const again = rangesSchema.parse(JSON.parse(JSON.stringify(json)));
    for (const [name, maxima] of ranges) {
      expect(again.get(name)).toEqual(maxima.map((value) => Number(value.toPrecision(4))));
    }
    delete json['conv3_2'];
    expect(rangesSchema.safeParse(json).success).toBe(false);
  });
});
