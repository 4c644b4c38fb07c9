import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { io, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { layers as kerasLayers, sequential, type LayersModel } from '@tensorflow/tfjs-layers';
import { z } from 'zod';
import { errorMessage, InputError } from '../errors.js';
import { useWasm } from '../tensorflow/wasm.js';
import type { LayerWeights } from './dense.js';
import { EPSILON } from './normalize.js';
import type { Settings } from './settings.js';

const manifestSchema = z.object({
  weightsManifest: z
    .array(
      z.object({
        paths: z.array(z.literal('weights.bin')).length(1),
        weights: z.array(z.object({ name: z.string(), shape: z.array(z.int()), dtype: z.literal('float32') })),
      }),
    )
    .length(1),
});

function build(normalize: Settings['normalize'], weights: readonly LayerWeights[]): LayersModel {
  const model = sequential({ name: 'head' });
  const inputShape = [weights[0]?.inputs ?? 0];
  if (normalize === 'layer') {
    model.add(
      kerasLayers.layerNormalization({ name: 'normalize', inputShape, epsilon: EPSILON, center: false, scale: false }),
    );
  }
  for (const [index, { outputs }] of weights.entries()) {
    model.add(
      kerasLayers.dense({
        name: index === weights.length - 1 ? 'output' : `fc${index + 6}`,
        units: outputs,
        activation: index === weights.length - 1 ? 'linear' : 'relu',
        // Replaced at once; the default would draw 6 million numbers.
        kernelInitializer: 'zeros',
        ...(index === 0 && normalize === 'none' ? { inputShape } : {}),
      }),
    );
  }
  const tensors = weights.flatMap(({ inputs, outputs, kernel, bias }) => [
    tensor2d(kernel, [inputs, outputs]),
    tensor1d(bias),
  ]);
  model.setWeights(tensors);
  for (const tensor of tensors) tensor.dispose();
  return model;
}

/** Writes model.json and weights.bin (float32), which TensorFlow.js's loadLayersModel opens. */
export async function saveLayersModel(
  folder: string,
  normalize: Settings['normalize'],
  weights: readonly LayerWeights[],
): Promise<void> {
  await useWasm();
  const model = build(normalize, weights);
  try {
    let artifacts: io.ModelArtifacts | undefined;
    await model.save(
      io.withSaveHandler(async (given) => {
        artifacts = given;
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      }),
    );
    const { modelTopology, weightSpecs, weightData } = artifacts ?? {};
    if (weightData === undefined) throw new Error('TensorFlow.js gave no weights to save');
    const manifest = {
      format: 'layers-model',
      generatedBy: 'pool5',
      convertedBy: null,
      modelTopology,
      weightsManifest: [{ paths: ['weights.bin'], weights: weightSpecs }],
    };
    await writeFile(join(folder, 'model.json'), JSON.stringify(manifest));
    await writeFile(join(folder, 'weights.bin'), new Uint8Array(io.concatenateArrayBuffers([weightData].flat())));
  } finally {
    model.dispose();
  }
}

/**
 * The dense layers of a head, without TensorFlow.js.
 * @throws InputError where the files are missing or damaged
 */
export async function readLayers(folder: string): Promise<LayerWeights[]> {
  try {
    const { weightsManifest } = manifestSchema.parse(JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')));
    const shapes = weightsManifest.flatMap(({ weights }) => weights.map(({ shape }) => shape));
    const lengths = shapes.map((shape) => shape.reduce((a, b) => a * b, 1));
    const bytes = await readFile(join(folder, 'weights.bin'));
    const wanted = lengths.reduce((sum, length) => sum + 4 * length, 0);
    if (bytes.length !== wanted) throw new Error(`weights.bin has ${bytes.length} bytes instead of ${wanted}`);
    const numbers = new Float32Array(new Uint8Array(bytes).buffer);
    const starts = lengths.map((_, index) => lengths.slice(0, index).reduce((a, b) => a + b, 0));
    const parts = starts.map((start, index) => numbers.subarray(start, start + (lengths[index] ?? 0)));
    // A kernel [inputs, outputs] and a bias [outputs] for each layer.
    return Array.from({ length: parts.length / 2 }, (_, layer) => {
      const [inputs = 0, outputs = 0] = shapes[2 * layer] ?? [];
      const [kernel = new Float32Array(), bias = new Float32Array()] = parts.slice(2 * layer);
      return { inputs, outputs, kernel, bias };
    });
  } catch (cause) {
    throw new InputError(
      {
        expected: 'a saved head (model.json and weights.bin)',
        found: errorMessage(cause),
        where: folder,
        fix: 'Train it again.',
      },
      { cause },
    );
  }
}
