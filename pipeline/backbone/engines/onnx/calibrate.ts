import { STACK } from '../../vgg16.js';
import type { Weights } from '../../weights/weights.js';
import { buildMaximaGraph, CHANNELS } from './graph.js';
import { openSession } from './session.js';
import type { Ranges } from './ranges.js';

/**
 * Measures how large the activations of each channel become, for the int8 graph.
 * @param pictures uint8 [224, 224, 3] each
 * @throws WorldError where onnxruntime does not load
 */
export async function measureRanges(
  weights: Weights,
  pictures: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Ranges> {
  const session = await openSession(await buildMaximaGraph(weights), CHANNELS);
  const most = new Float32Array(CHANNELS);
  try {
    for await (const pixels of pictures) {
      for (const [at, value] of (await session.run(pixels)).entries()) most[at] = Math.max(most[at] ?? 0, value);
    }
  } finally {
    await session.close();
  }
  const ranges = new Map<string, Float32Array>();
  let from = 0;
  for (const layer of STACK) {
    if (layer.kind !== 'conv') continue;
    ranges.set(layer.name, most.slice(from, from + layer.outputs));
    from += layer.outputs;
  }
  return ranges;
}
