import { once } from 'node:events';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { errorMessage, WorldError } from '../../errors.js';
import { PACKAGE_ROOT } from '../../package-root.js';
import type { Weights } from '../weights/weights.js';
import { batchOf, featureFloats, type Engine, type EngineOptions } from './engine.js';
import { buildGraph } from './onnx-graph.js';

/** Compiled, since a worker thread cannot load TypeScript (tests build dist/ first). */
const WORKER = join(PACKAGE_ROOT, 'dist/pipeline/backbone/engines/onnx-worker.js');

const replySchema = z.union([
  z.object({ id: z.int(), features: z.instanceof(Float32Array) }),
  z.object({ id: z.int(), error: z.string() }),
]);

const packageSchema = z.object({ version: z.string() });

/**
 * Pictures in a call. Direct convolutions run as fast with one; Winograd's products with the small pictures of conv4
 * and conv5 need four. More gain nothing and take more memory.
 */
const BATCH = 4;

/**
 * onnxruntime on the CPU. With either graph a picture's features do not depend on the others in its batch nor on the
 * number of threads: the same picture gives the same bits.
 */
export async function openOnnx(weights: Weights, options: EngineOptions): Promise<Engine> {
  const { threads = availableParallelism(), graph = 'direct' } = options;
  const model = buildGraph(weights, graph);
  const worker = new Worker(WORKER, { workerData: { threads } });
  worker.postMessage(model, model.buffer instanceof ArrayBuffer ? [model.buffer] : []); // 59 MB need not be copied
  const waiting = new Map<number, { resolve(features: Float32Array): void; reject(error: Error): void }>();
  let fault: Error | undefined;
  try {
    await once(worker, 'message');
  } catch (error) {
    throw new WorldError(`onnxruntime-node does not load: ${errorMessage(error)}. Try --engine wasm.`, {
      cause: error,
    });
  }
  worker.on('message', (message: unknown) => {
    const reply = replySchema.parse(message);
    const request = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('features' in reply) request?.resolve(reply.features);
    else request?.reject(new WorldError(`onnxruntime failed: ${reply.error}`));
  });
  const fail = (error: Error): void => {
    fault ??= new WorldError(`onnxruntime stopped: ${error.message}`, { cause: error });
    for (const request of waiting.values()) request.reject(fault);
    waiting.clear();
  };
  worker.on('error', fail);
  let closed = false;
  const ended = new Promise<void>((resolve) => {
    worker.on('exit', (code) => {
      fail(new Error(`its thread exited with code ${code}`));
      resolve();
    });
  });
  let requests = 0;
  const { version } = packageSchema.parse(createRequire(import.meta.url)('onnxruntime-node/package.json'));
  return {
    name: 'onnx',
    description: `onnxruntime-node ${version}, CPU, ${threads} thread${threads === 1 ? '' : 's'}${graph === 'winograd' ? ', Winograd' : ''}`,
    batchSize: BATCH,
    graph,
    async run(pixels) {
      const n = batchOf(pixels);
      if (fault !== undefined) throw fault;
      const id = requests++;
      const features = await new Promise<Float32Array>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        const copy = new Uint8Array(pixels); // the caller keeps its own, which may be a part of something larger
        worker.postMessage({ id, n, pixels: copy }, [copy.buffer]);
      });
      if (features.length !== featureFloats(n)) {
        throw new WorldError(`onnxruntime gave ${features.length} numbers for ${n} pictures.`);
      }
      return features;
    },
    async close() {
      if (closed) return;
      closed = true;
      fault ??= new WorldError('The engine is closed.');
      // The thread ends itself after the batch in flight: ending it inside onnxruntime would abort the process.
      worker.postMessage('close');
      await ended;
    },
  };
}
