import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { io, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { layers as kerasLayers, loadLayersModel, sequential, type LayersModel } from '@tensorflow/tfjs-layers';
import { z } from 'zod';
import { errorMessage, InputError } from '../errors.js';
import type { LayerWeights } from './dense.js';
import { EPSILON } from './normalize.js';
import type { Settings } from './settings.js';

const manifestSchema = z.object({
  modelTopology: z.looseObject({}),
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

/** @throws InputError where the files are missing or damaged */
export async function openLayersModel(folder: string): Promise<LayersModel> {
  try {
    const { modelTopology, weightsManifest } = manifestSchema.parse(
      JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')),
    );
    const bytes = await readFile(join(folder, 'weights.bin'));
    const weightSpecs = weightsManifest.flatMap(({ weights }) => weights);
    const wanted = weightSpecs.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
    if (bytes.length !== wanted) throw new Error(`weights.bin has ${bytes.length} bytes instead of ${wanted}`);
    const weightData = new Uint8Array(bytes).buffer;
    return await loadLayersModel(io.fromMemory({ modelTopology, weightSpecs, weightData }));
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

/** The dense layers of a head's model. */
export function layerWeights(model: LayersModel): LayerWeights[] {
  const tensors = model.getWeights();
  return Array.from({ length: tensors.length / 2 }, (_, index) => {
    const [kernel, bias] = tensors.slice(2 * index, 2 * index + 2);
    const [inputs = 0, outputs = 0] = kernel?.shape ?? [];
    return {
      inputs,
      outputs,
      kernel: Float32Array.from(kernel?.dataSync() ?? []),
      bias: Float32Array.from(bias?.dataSync() ?? []),
    };
  });
}
