import { availableParallelism } from 'node:os';
import { measureRanges } from '../backbone/engines/onnx/calibrate.js';
import type { Engine, EngineOptions } from '../backbone/engines/engine.js';
import { openFastest } from '../backbone/engines/onnx/fastest.js';
import { openEngine, openNvidia } from '../backbone/engines/open.js';
import { graphNamed, openOnnx } from '../backbone/engines/onnx/onnx.js';
import { embeddedRanges, rangesSchema, rangesToJson } from '../backbone/engines/onnx/ranges.js';
import type { Weights } from '../backbone/weights/weights.js';
import { InputError } from '../errors.js';
import { choose, type Choice } from '../features/choice.js';
import type { Range } from '../features/ranges.js';
import { readManifest } from '../features/manifest.js';
import type { Pending } from '../features/plan.js';
import { decodeFile } from '../images/decode-file.js';
import type { Effects } from '../terminal/effects.js';
import type { Job } from './compute.js';

/** With fewer photographs to compute, to measure both graphs costs more than it can save. */
const WORTH_MEASURING = 100;

/** Photographs whose activations are measured for int8. With 16, the features' error was 1.2 times as large. */
const CALIBRATION = 48;

/** Opens the engines of a run: as many as there are workers, sharing the cores, with the graph that the cache chose. */
export async function openEngines(
  ranges: readonly Range[],
  job: Job,
  { log }: Pick<Effects, 'log'>,
): Promise<Engine[]> {
  const workers = Math.min(job.workers, ranges.length);
  const threads = Math.max(1, Math.floor(availableParallelism() / workers));
  const pending = ranges.flatMap((range) => range.pending);
  const weights = await job.loadWeights();
  const [first, options] = await openFirst(pending, job, weights, threads, log);
  const others = Array.from({ length: workers - 1 }, () => openEngine(job.engine, weights, options));
  return [first, ...(await Promise.all(others))];
}

async function openFirst(
  pending: readonly Pending[],
  { engine: name, key, folder }: Job,
  weights: Weights,
  threads: number,
  log: Effects['log'],
): Promise<[Engine, EngineOptions]> {
  if (name === 'tensorflow' || name === 'wasm') return [await openEngine(name, weights, { threads }), { threads }];
  const gpu = name === 'auto' && key.precision !== 'int8' ? await openNvidia(weights) : undefined;
  if (gpu !== undefined) return [gpu, { threads }];

  let measured: Engine | undefined;
  const choice = await choose(folder, async (): Promise<Choice> => {
    const [shard] = (await readManifest(folder)).shards;
    if (key.precision === 'int8') return chooseInt8(pending, weights, { folder, begun: shard !== undefined, log });
    if (shard !== undefined) return { graph: graphNamed(shard.engine) };
    if (pending.length < WORTH_MEASURING) return { graph: 'winograd' };
    const { engine, milliseconds } = await openFastest((graph) => openOnnx(weights, { threads, graph }));
    measured = engine;
    const [direct, winograd] = [milliseconds.direct.toFixed(0), milliseconds.winograd.toFixed(0)];
    log(`measured: direct ${direct} ms, Winograd ${winograd} ms a photograph; this cache keeps to the faster`);
    return { graph: engine.graph ?? 'direct' };
  });
  const options = optionsOf(choice, threads);
  return [measured ?? (await openOnnx(weights, options)), options];
}

function optionsOf({ graph, ranges }: Choice, threads: number): EngineOptions {
  return { threads, graph, ...(ranges === undefined ? {} : { ranges: rangesSchema.parse(ranges) }) };
}

async function chooseInt8(
  pending: readonly Pending[],
  weights: Weights,
  { folder, begun, log }: { folder: string; begun: boolean; log: Effects['log'] },
): Promise<Choice> {
  if ((await embeddedRanges(weights)) !== undefined) return { graph: 'int8' };
  if (begun) {
    throw new InputError({
      expected: 'choice.json with the ranges that the features there were made with',
      found: 'none',
      where: folder,
      fix: 'Put it back, or delete the folder and begin anew.',
    });
  }
  log(`measuring the activations of ${Math.min(CALIBRATION, pending.length)} photographs for int8`);
  return { graph: 'int8', ranges: rangesToJson(await measureRanges(weights, firstPixels(pending))) };
}

/** Of the first in the order of digests, which is as good as drawn. */
async function* firstPixels(pending: readonly Pending[]): AsyncGenerator<Uint8Array> {
  let count = 0;
  for (const item of pending) {
    const decoded = await decodeFile(item.path);
    if (!('pixels' in decoded)) continue;
    yield decoded.pixels;
    if (++count === CALIBRATION) return;
  }
}
