import { IMAGE_BYTES } from '../../vgg16.js';
import type { Engine } from '../engine.js';

/** How long each graph is measured (milliseconds); it is run at least twice, the first time to warm up. */
const BUDGET = 500;

/** Differences below this share are noise. */
const NOISE = 0.05;

export interface Measured {
  readonly engine: Engine;
  readonly graph: 'direct' | 'winograd';
  /** A picture. */
  readonly milliseconds: { readonly direct: number; readonly winograd: number };
}

/**
 * Opens an engine with the graph that is faster on this machine: first the one, then the other, so that memory holds one
 * at a time. The least time of each counts, since whatever else runs can only add to it. Winograd's, which was the faster
 * on each processor measured, loses only to what is faster by more than such noise. Where one fails, none stays open.
 * @param open opens an engine with that graph
 */
export async function openFastest(open: (graph: 'direct' | 'winograd') => Promise<Engine>): Promise<Measured> {
  const first = await open('direct');
  let direct: number;
  try {
    direct = await leastTime(first);
  } finally {
    await first.close();
  }
  const engine = await open('winograd');
  let winograd: number;
  try {
    winograd = await leastTime(engine);
  } catch (error) {
    await engine.close();
    throw error;
  }
  const milliseconds = { direct, winograd };
  if (winograd < direct * (1 + NOISE)) return { engine, graph: 'winograd', milliseconds };
  await engine.close();
  return { engine: await open('direct'), graph: 'direct', milliseconds };
}

/** Milliseconds a picture. */
async function leastTime(engine: Engine): Promise<number> {
  const pixels = new Uint8Array(engine.batchSize * IMAGE_BYTES).fill(127);
  await engine.run(pixels); // the first run allocates memory
  let least = Infinity;
  const end = performance.now() + BUDGET;
  do {
    const started = performance.now();
    await engine.run(pixels);
    least = Math.min(least, (performance.now() - started) / engine.batchSize);
  } while (performance.now() < end);
  return least;
}
