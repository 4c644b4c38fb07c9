import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { errorMessage, WorldError } from '../../../errors.js';
import { PACKAGE_ROOT } from '../../../package-root.js';
import { batchOf } from '../engine.js';

/** Compiled, since a worker thread cannot load TypeScript (tests build dist/ first). */
const WORKER = join(PACKAGE_ROOT, 'dist/pipeline/backbone/engines/onnx/worker.js');

const replySchema = z.union([
  z.object({ id: z.int(), features: z.instanceof(Float32Array) }),
  z.object({ id: z.int(), error: z.string() }),
]);

/** A graph, open in a thread of its own. */
export interface OnnxSession {
  readonly threads: number;
  /** @param pixels uint8 [n, 224, 224, 3] @returns the graph's output for the n pictures */
  readonly run: (pixels: Uint8Array) => Promise<Float32Array>;
  readonly close: () => Promise<void>;
}

/**
 * Loads a graph into onnxruntime.
 * @param model a ModelProto from pixels to features; its buffer goes to the thread
 * @param numbers how many the graph gives for a picture
 * @throws WorldError where onnxruntime does not load, or refuses the graph
 */
export async function openSession(
  model: Uint8Array,
  numbers: number,
  threads: number = availableParallelism(),
): Promise<OnnxSession> {
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
  return {
    threads,
    async run(pixels) {
      const n = batchOf(pixels);
      if (fault !== undefined) throw fault;
      const id = requests++;
      const result = await new Promise<Float32Array>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        const copy = new Uint8Array(pixels); // the caller keeps its own, which may be a part of something larger
        worker.postMessage({ id, n, pixels: copy }, [copy.buffer]);
      });
      if (result.length !== n * numbers) {
        throw new WorldError(`onnxruntime gave ${result.length} numbers for ${n} pictures.`);
      }
      return result;
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
