import { availableParallelism } from 'node:os';
import type { Engine, EngineOptions } from '../backbone/engines/engine.js';
import { measureRanges } from '../backbone/engines/onnx/calibrate.js';
import { openFastest } from '../backbone/engines/onnx/fastest.js';
import { graphNamed, openOnnx } from '../backbone/engines/onnx/onnx.js';
import { embeddedRanges, rangesSchema, rangesToJson, type Ranges } from '../backbone/engines/onnx/ranges.js';
import { openEngine, openNvidia } from '../backbone/engines/open.js';
import type { Weights } from '../backbone/weights/weights.js';
import { InputError } from '../errors.js';
import { choose, type Choice } from '../features/choice.js';
import { readManifest } from '../features/manifest.js';
import type { Pending } from '../features/plan.js';
import type { Range } from '../features/ranges.js';
import { ownerText, type LockOwner } from '../files/lock.js';
import { decodeFile } from '../images/decode-file.js';
import type { Effects } from '../terminal/effects.js';
import type { Job } from './compute.js';

/** With fewer photographs to compute, to measure both graphs costs more than it can save. */
const WORTH_MEASURING = 1000;

/** Photographs whose activations are measured for int8: with 16, the features' error was 1.2 times as large as with 48. */
const CALIBRATION = { most: 48, least: 16 };

/**
 * Opens the engines of a run: as many as there are workers, sharing the cores, with the graph that the cache chose.
 * Where one does not open, none stays open.
 * @param measure tests give another
 */
export async function openEngines(
  ranges: readonly Range[],
  job: Job,
  { log }: Pick<Effects, 'log'>,
  measure: typeof openFastest = openFastest,
): Promise<Engine[]> {
  const workers = Math.min(job.workers, ranges.length);
  const threads = Math.max(1, Math.floor(availableParallelism() / workers));
  const weights = await job.loadWeights();
  const [first, options] = await openFirst(job, weights, threads, log, measure);
  const others = await Promise.allSettled(
    Array.from({ length: workers - 1 }, () => openEngine(job.engine, weights, options)),
  );
  const engines = [first, ...others.flatMap((other) => (other.status === 'fulfilled' ? [other.value] : []))];
  const failed = others.find((other) => other.status === 'rejected');
  if (failed === undefined) return engines;
  await Promise.all(engines.map((engine) => engine.close()));
  throw failed.reason;
}

async function openFirst(
  { engine: name, key, folder, planned }: Job,
  weights: Weights,
  threads: number,
  log: Effects['log'],
  measure: typeof openFastest,
): Promise<[Engine, EngineOptions]> {
  if (name === 'tensorflow' || name === 'wasm') return [await openEngine(name, weights, { threads }), { threads }];
  const gpu = name === 'auto' && key.precision !== 'int8' ? await openNvidia(weights) : undefined;
  if (gpu !== undefined) return [gpu, { threads }];

  let measured: Engine | undefined;
  const make = async (): Promise<Choice> => {
    const { shards } = await readManifest(folder);
    if (key.precision === 'int8') {
      const ranges = await rangesOf(weights, planned, { folder, begun: shards.length > 0, log });
      return { graph: 'int8', ranges: rangesToJson(ranges) };
    }
    const [graph] = shards.flatMap((shard) => graphNamed(shard.engine) ?? []);
    if (graph !== undefined) return { graph };
    if (planned.length < WORTH_MEASURING) return { graph: 'winograd' };
    const {
      engine,
      graph: faster,
      milliseconds,
    } = await measure((each) => openOnnx(weights, { threads, graph: each }));
    measured = engine;
    const [direct, winograd] = [milliseconds.direct.toFixed(0), milliseconds.winograd.toFixed(0)];
    log(`measured: direct ${direct} ms, Winograd ${winograd} ms a photograph; this cache keeps to ${faster}`);
    return { graph: faster };
  };
  try {
    const waiting = (owner: LockOwner): void => log(`waiting for another run's choice: ${ownerText(owner)}`);
    const options = optionsOf(await choose(folder, key, make, waiting), threads);
    return [measured ?? (await openOnnx(weights, options)), options];
  } catch (error) {
    await measured?.close();
    throw error;
  }
}

function optionsOf(choice: Choice, threads: number): EngineOptions {
  if (choice.graph !== 'int8') return { threads, graph: choice.graph };
  return { threads, graph: 'int8', ranges: rangesSchema.parse(choice.ranges) };
}

/** The embedded weights' ranges, or those of the first photographs in the order of digests, which is as good as drawn. */
async function rangesOf(
  weights: Weights,
  planned: readonly Pending[],
  { folder, begun, log }: { folder: string; begun: boolean; log: Effects['log'] },
): Promise<Ranges> {
  const embedded = await embeddedRanges(weights);
  if (embedded !== undefined) return embedded;
  if (begun) {
    throw new InputError({
      expected: 'choice.json with the ranges that the features there were made with',
      found: 'none',
      where: folder,
      fix: 'Put it back, or delete the folder and begin anew.',
    });
  }
  const pictures: Uint8Array[] = [];
  for (const { path, digest } of planned) {
    if (pictures.length === CALIBRATION.most) break;
    const decoded = await decodeFile(path, digest);
    if ('pixels' in decoded) pictures.push(decoded.pixels);
  }
  if (pictures.length < CALIBRATION.least) {
    throw new InputError({
      expected: `at least ${CALIBRATION.least} photographs to measure the activations of these weights on for int8`,
      found: `${pictures.length} that can be used`,
      where: weights.origin,
      fix: 'Begin with more photographs, or leave --precision out.',
    });
  }
  log(`measuring the activations of ${pictures.length} photographs for int8`);
  return measureRanges(weights, pictures);
}
