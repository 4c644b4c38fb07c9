import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { errorMessage, InputError, Pool5Error } from '../errors.js';
import { openCache } from '../features/cache.js';
import { openGram } from './gram-file.js';
import { readExamples } from './read-examples.js';
import { settingsSchema } from './settings.js';
import { STOP } from './sweep-record.js';
import { sweepRun } from './sweep-run.js';

/** What a worker thread of a sweep opens; the products are read from the cache, where the sweep has put them. */
export const workerDataSchema = z.strictObject({
  features: z.string(),
  labels: z.strictObject({
    file: z.string(),
    id: z.string().optional(),
    target: z.string().optional(),
    splitBy: z.string().optional(),
  }),
  /** Whether the products fit: see Experiment.gram. */
  gram: z.boolean(),
});

const taskSchema = z.strictObject({ settings: settingsSchema, fingerprint: z.string() });

if (parentPort !== null) {
  const port = parentPort;
  const { features, labels, gram: fits } = workerDataSchema.parse(workerData);
  const cache = await openCache(features);
  const { examples } = await readExamples(cache, labels);
  const digests = [...new Set(examples.map(({ digest }) => digest))];
  const gram = fits ? await openGram(cache, digests, { log: () => undefined }) : null;
  const interruption = new AbortController();
  port.on('message', (message: unknown) => {
    if (message === STOP) {
      interruption.abort();
      port.close();
      return;
    }
    const { settings, fingerprint } = taskSchema.parse(message);
    sweepRun({ cache, examples, gram }, settings, fingerprint, interruption.signal).then(
      (record) => port.postMessage({ record }),
      (error: unknown) =>
        port.postMessage({
          error: errorMessage(error),
          kind: error instanceof InputError ? 'input' : error instanceof Pool5Error ? 'world' : 'fault',
        }),
    );
  });
  port.postMessage('ready');
}
