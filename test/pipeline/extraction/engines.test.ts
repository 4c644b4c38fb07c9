import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Engine } from '../../../pipeline/backbone/engines/engine.js';
import type { openFastest } from '../../../pipeline/backbone/engines/onnx/fastest.js';
import { openWeights } from '../../../pipeline/backbone/weights/open.js';
import { InputError, WorldError } from '../../../pipeline/errors.js';
import type { Job } from '../../../pipeline/extraction/compute.js';
import { openEngines } from '../../../pipeline/extraction/engines.js';
import type { Pending } from '../../../pipeline/features/plan.js';
import type { CacheKey } from '../../../pipeline/features/schema.js';
import { newFolder } from '../../stages/command-line.js';

const KEY: CacheKey = { weights: '0'.repeat(64), preprocessing: '1', layer: 'pool5', dtype: 'float32' };

/** Photographs that are not there: only how many they are counts. */
function photographs(count: number): Pending[] {
  return Array.from({ length: count }, (_, i) => ({
    digest: String(i).padStart(64, '0'),
    id: `${i}`,
    path: `/no/${i}`,
  }));
}

let folder: string;
beforeEach(async () => {
  folder = await newFolder();
});
afterEach(() => rm(folder, { recursive: true }));

function job(planned: readonly Pending[], rest: Partial<Job> = {}): Job {
  return {
    folder,
    key: KEY,
    loadWeights: () => openWeights(undefined),
    engine: 'onnx',
    workers: 1,
    planned,
    shardRows: 64,
    rejected: () => undefined,
    ...rest,
  };
}

/** Measures nothing: the graph is given. */
function chooses(graph: 'direct' | 'winograd'): { measure: typeof openFastest; open: () => boolean } {
  let open = false;
  const engine: Engine = {
    name: 'onnx',
    description: graph,
    batchSize: 4,
    graph,
    run: () => Promise.reject(new Error('not asked for')),
    close: async () => void (open = false),
  };
  return {
    open: () => open,
    async measure() {
      open = true;
      return { engine, graph, milliseconds: { direct: 120, winograd: 90 } };
    },
  };
}

const ranges = [{ prefixes: ['00'], pending: photographs(1) }];

it('measures where the whole plan is large, however small this part is, and the cache keeps to the faster', async () => {
  const lines: string[] = [];
  const { measure } = chooses('direct');
  const [engine] = await openEngines(ranges, job(photographs(1000)), { log: (line) => lines.push(line) }, measure);
  expect(engine?.description).toBe('direct');
  expect(lines).toEqual(['measured: direct 120 ms, Winograd 90 ms a photograph; this cache keeps to direct']);
  expect(JSON.parse(await readFile(join(folder, 'choice.json'), 'utf8'))).toMatchObject({
    choice: { graph: 'direct' },
  });

  const [next] = await openEngines(ranges, job(photographs(1000)), { log: () => undefined }, () =>
    expect.unreachable(),
  );
  expect(next?.graph).toBe('direct');
  await next?.close();
});

it('does not measure for fewer than 1,000', async () => {
  const [engine] = await openEngines(ranges, job(photographs(999)), { log: () => undefined }, () =>
    expect.unreachable(),
  );
  expect(engine?.graph).toBe('winograd');
  await engine?.close();
});

it('leaves no engine open where the choice cannot be written', async () => {
  await mkdir(join(folder, 'choice.json', 'in the way'), { recursive: true });
  const { measure, open } = chooses('winograd');
  await expect(openEngines(ranges, job(photographs(1000)), { log: () => undefined }, measure)).rejects.toThrow(
    WorldError,
  );
  expect(open()).toBe(false);
});

it('refuses int8 with other weights where too few photographs can be used, and keeps no choice', async () => {
  const other = job(photographs(20), {
    key: { ...KEY, precision: 'int8' },
    loadWeights: () => openWeights('random:1'),
  });
  await expect(openEngines(ranges, other, { log: () => undefined })).rejects.toThrow(
    new InputError(
      'Expected at least 16 photographs to measure the activations of these weights on for int8, ' +
        'got 0 that can be used (random:1). Begin with more photographs, or leave --precision out.',
    ),
  );
  await expect(readFile(join(folder, 'choice.json'))).rejects.toThrow('ENOENT');
});
