import { createRequire } from 'node:module';
import { z } from 'zod';
import { InputError } from '../../../errors.js';
import { FEATURE_LENGTH } from '../../vgg16.js';
import type { Weights } from '../../weights/weights.js';
import type { Engine, EngineOptions } from '../engine.js';
import { buildGraph } from './graph.js';
import { buildInt8Graph } from './int8.js';
import { openSession } from './session.js';
import { embeddedRanges } from './ranges.js';

const packageSchema = z.object({ version: z.string() });

/**
 * Pictures in a call. Direct and 8-bit convolutions run as fast with one; Winograd's products with the small pictures
 * of conv4 and conv5 need four. More gain nothing and take more memory.
 */
const BATCH = 4;

const TITLES = { direct: '', winograd: ', Winograd', int8: ', int8' } as const;

/** The float32 graph of an engine by its description; undefined where it is none of this library's. */
export function graphNamed(description: string): 'direct' | 'winograd' | undefined {
  if (!description.startsWith('onnxruntime-node ')) return undefined;
  return description.endsWith(TITLES.winograd) ? 'winograd' : 'direct';
}

/**
 * onnxruntime on the CPU. With any graph a picture's features do not depend on the others in its batch nor on the
 * number of threads: the same picture gives the same bits.
 */
export async function openOnnx(weights: Weights, options: EngineOptions): Promise<Engine> {
  const { graph = 'direct' } = options;
  const model = await buildModel(weights, options);
  const { threads, run, close } = await openSession(model, FEATURE_LENGTH, options.threads);
  const { version } = packageSchema.parse(createRequire(import.meta.url)('onnxruntime-node/package.json'));
  const count = `${threads} thread${threads === 1 ? '' : 's'}`;
  return {
    name: 'onnx',
    description: `onnxruntime-node ${version}, CPU, ${count}${TITLES[graph]}`,
    batchSize: BATCH,
    graph,
    run,
    close,
  };
}

/**
 * The stack as an ONNX model, with the graph that the options name.
 * @returns the serialized ModelProto
 * @throws InputError for int8 where the weights' ranges are not known
 */
export async function buildModel(weights: Weights, options: Omit<EngineOptions, 'threads'>): Promise<Uint8Array> {
  if (options.graph !== 'int8') return buildGraph(weights, options.graph);
  const ranges = options.ranges ?? (await embeddedRanges(weights));
  if (ranges !== undefined) return buildInt8Graph(weights, ranges);
  throw new InputError({
    expected: 'ranges of the activations for int8',
    found: 'none for these weights',
    where: weights.origin,
    fix: 'Extract and train again: a run keeps the ranges of its features.',
  });
}
