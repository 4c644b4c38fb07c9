import { IMAGE_BYTES } from '../../vgg16.js';
import type { Engine } from '../engine.js';

/** How long both graphs are measured, in all (milliseconds); each is run at least twice, the first time to warm up. */
const BUDGET = 1000;

/** Differences below this share are noise. */
const NOISE = 0.05;

export interface Measured {
  readonly engine: Engine;
  readonly graph: 'direct' | 'winograd';
  /** A picture. */
  readonly milliseconds: { readonly direct: number; readonly winograd: number };
}

/**
 * Opens an engine with the graph that is faster on this machine: both are run in turn, and the least time of each
 * counts, since whatever else runs can only add to it. Winograd's, which was the faster on each processor measured,
 * loses only to what is faster by more than such noise. Where one fails, none stays open.
 * @param open opens an engine with that graph
 */
export async function openFastest(open: (graph: 'direct' | 'winograd') => Promise<Engine>): Promise<Measured> {
  const opened: Engine[] = [];
  try {
    const direct = await open('direct');
    opened.push(direct);
    const winograd = await open('winograd');
    opened.push(winograd);
    const milliseconds = await leastTimes(direct, winograd);
    const graph = milliseconds.winograd < milliseconds.direct * (1 + NOISE) ? 'winograd' : 'direct';
    const [engine, other] = graph === 'winograd' ? [winograd, direct] : [direct, winograd];
    await other.close();
    return { engine, graph, milliseconds };
  } catch (error) {
    await Promise.all(opened.map((engine) => engine.close()));
    throw error;
  }
}

async function leastTimes(direct: Engine, winograd: Engine): Promise<Measured['milliseconds']> {
  const pixels = new Uint8Array(winograd.batchSize * IMAGE_BYTES).fill(127);
  const time = async (engine: Engine): Promise<number> => {
    const started = performance.now();
    await engine.run(pixels);
    return (performance.now() - started) / winograd.batchSize;
  };
  for (const engine of [direct, winograd]) await time(engine); // the first run allocates memory
  const least = { direct: Infinity, winograd: Infinity };
  const end = performance.now() + BUDGET;
  do {
    least.direct = Math.min(least.direct, await time(direct));
    least.winograd = Math.min(least.winograd, await time(winograd));
  } while (performance.now() < end);
  return least;
}
