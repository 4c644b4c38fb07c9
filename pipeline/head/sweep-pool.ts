import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { z } from 'zod';
import { InputError, InterruptedError, WorldError } from '../errors.js';
import { PACKAGE_ROOT } from '../package-root.js';
import type { Settings } from './settings.js';
import { replySchema, STOP, type SweepRecord } from './sweep-record.js';
import type { workerDataSchema } from './sweep-worker.js';

export interface SweepTask {
  readonly settings: Settings;
  readonly fingerprint: string;
}

/** One thread does one task at a time: an answer follows each message. */
async function runTask(worker: Worker, task: SweepTask): Promise<SweepRecord> {
  worker.postMessage(task);
  const [message]: unknown[] = await once(worker, 'message');
  const reply = replySchema.parse(message);
  if ('record' in reply) return reply.record;
  if (reply.kind === 'input') throw new InputError(reply.error);
  if (reply.kind === 'world') throw new WorldError(reply.error);
  throw new Error(reply.error);
}

/**
 * Trains heads in as many threads as there are cores.
 * @param onRecord called for each as it is finished
 * @throws InterruptedError; what onRecord was called for is finished
 */
export async function runPool(
  data: z.infer<typeof workerDataSchema>,
  tasks: readonly SweepTask[],
  signal: AbortSignal,
  onRecord: (record: SweepRecord) => Promise<void>,
): Promise<void> {
  if (tasks.length === 0) return;
  const queue = [...tasks];
  // From dist/ also where the sources run: a thread cannot load TypeScript.
  const file = join(PACKAGE_ROOT, 'dist/pipeline/head/sweep-worker.js');
  const workers = Array.from(
    { length: Math.min(availableParallelism(), tasks.length) },
    () => new Worker(file, { workerData: data }),
  );
  const stop = (): void => {
    queue.length = 0;
    for (const worker of workers) worker.postMessage(STOP);
  };
  const ended = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
  const interrupted = new Promise<never>((_, reject) => {
    const abort = (): void => {
      stop();
      const name = signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT';
      reject(new InterruptedError(name, 'Finished runs are kept; the same command goes on from there.'));
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  });
  const serve = async (worker: Worker): Promise<void> => {
    await once(worker, 'message');
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
      await onRecord(await runTask(worker, task));
    }
  };
  try {
    await Promise.race([Promise.all(workers.map(serve)), interrupted]);
  } finally {
    stop();
    await Promise.all(ended);
  }
}
