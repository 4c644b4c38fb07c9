import { FEATURE_LENGTH, IMAGE_BYTES } from './backbone/vgg16.js';
import type { EngineName, EngineOptions } from './backbone/engines/engine.js';
import { openEngine } from './backbone/engines/open.js';
import { rangesSchema } from './backbone/engines/onnx/ranges.js';
import { openWeights } from './backbone/weights/open.js';
import { checkKey, type Head } from './head/open.js';
import { ahead } from './images/ahead.js';
import { decodeFile } from './images/decode-file.js';
import { PREPROCESSING_VERSION } from './images/pixels.js';

/** What a head read off a photograph, or why it could not. */
export type Prediction =
  | {
      /** The path as it was given. */
      readonly image: string;
      readonly prediction: number;
      /** Of the prediction, e.g. cm; '' where it is not known. */
      readonly unit: string;
    }
  | { readonly image: string; readonly rejected: string };

export interface PredictOptions {
  /** As for extract: a file, random:SEED, or undefined for the embedded ones. */
  readonly weights?: string | undefined;
  readonly engine?: 'auto' | EngineName;
  /** Hears each photograph's feature, float32 [7, 7, 512], flattened. */
  readonly onFeature?: (image: string, feature: Float32Array) => void;
}

/**
 * Runs photographs through stage 1's own functions (so that training and prediction cannot preprocess differently) and
 * then the head. An unusable photograph has its reason instead of a number.
 * @throws InputError where the head was trained on features of other weights
 */
export async function predict(
  head: Head,
  images: readonly string[],
  { weights: spec, engine: name = 'auto', onFeature }: PredictOptions = {},
): Promise<Prediction[]> {
  const weights = await openWeights(spec);
  checkKey(head, { weights: weights.digest, preprocessing: PREPROCESSING_VERSION });
  const engine = await openEngine(name, weights, graphOf(head));
  try {
    const predictions: Prediction[] = [];
    const run = async (batch: readonly { image: string; pixels: Uint8Array }[]): Promise<void> => {
      if (batch.length === 0) return;
      const pixels = Buffer.concat(
        batch.map((item) => item.pixels),
        batch.length * IMAGE_BYTES,
      );
      const features = await engine.run(pixels);
      const numbers = head.predict(features);
      for (const [i, { image }] of batch.entries()) {
        onFeature?.(image, features.subarray(i * FEATURE_LENGTH, (i + 1) * FEATURE_LENGTH));
        predictions.push({ image, prediction: numbers[i] ?? NaN, unit: head.unit });
      }
    };
    let batch: { image: string; pixels: Uint8Array }[] = [];
    for await (const decoded of ahead(images, engine.batchSize * 2, async (image) => ({
      image,
      ...(await decodeFile(image)),
    }))) {
      if ('rejected' in decoded) {
        predictions.push({ image: decoded.image, rejected: decoded.rejected });
        continue;
      }
      batch.push(decoded);
      if (batch.length === engine.batchSize) {
        await run(batch);
        batch = [];
      }
    }
    await run(batch);
    const order = new Map(images.map((image, i) => [image, i]));
    return predictions.toSorted((a, b) => (order.get(a.image) ?? 0) - (order.get(b.image) ?? 0));
  } finally {
    await engine.close();
  }
}

/** The graph that made the features which the head was trained on; of the float32 ones the one that opens faster. */
export function graphOf({ key, config }: Head): EngineOptions {
  if (key.precision === undefined) return {};
  const { ranges } = config.features;
  return { graph: key.precision, ...(ranges === undefined ? {} : { ranges: rangesSchema.parse(ranges) }) };
}
