import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { z } from 'zod';
import { IMAGE_SIZE } from '../../vgg16.js';
import { INPUT, OUTPUT } from './graph.js';

/**
 * Runs the graph in a thread of its own: session.run blocks the thread that calls it, and the main thread must stay
 * free for progress, signals and decoding. Messages in: the model, then {id, n, pixels}; out: {ready}, then
 * {id, features} or {id, error}.
 */
const { threads } = z.object({ threads: z.int() }).parse(workerData);

const port = parentPort;
if (port === null) throw new Error('This file runs as a worker thread only.');

const requestSchema = z.object({ id: z.int(), n: z.int(), pixels: z.instanceof(Uint8Array) });

/** The model's bytes are free once the session, which has its own copy, is there. */
async function open([model]: unknown[]): Promise<InferenceSession> {
  return InferenceSession.create(z.instanceof(Uint8Array).parse(model), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    // Threads that wait for work leave the cores to whoever decodes the next photographs.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    enableMemPattern: false, // with it 100 MB more, and no faster
  });
}

const session = await open(await once(port, 'message'));

async function answer(message: unknown): Promise<void> {
  const { id, n, pixels } = requestSchema.parse(message);
  try {
    const feeds = { [INPUT]: new Tensor('uint8', pixels, [n, IMAGE_SIZE, IMAGE_SIZE, 3]) };
    const features = (await session.run(feeds, [OUTPUT]))[OUTPUT]?.data;
    if (!(features instanceof Float32Array)) throw new TypeError('The graph gave no float32 features.');
    const copy = features.slice();
    port?.postMessage({ id, features: copy }, [copy.buffer]);
  } catch (error) {
    port?.postMessage({ id, error: String(error) });
  }
}

port.on('message', (message: unknown) => {
  if (message === 'close') port.close();
  else void answer(message);
});
port.postMessage({ ready: true });
