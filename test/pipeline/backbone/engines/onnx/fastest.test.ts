import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../../../pipeline/backbone/engines/engine.js';
import { openFastest } from '../../../../../pipeline/backbone/engines/onnx/fastest.js';
import { IMAGE_BYTES } from '../../../../../pipeline/backbone/vgg16.js';

type GraphKind = 'direct' | 'winograd';

/** Opens engines that take so many milliseconds, and notes what is done with them. */
function slowEngines(milliseconds: Readonly<Record<GraphKind, number>>): {
  open: (graph: GraphKind) => Promise<Engine>;
  runs: GraphKind[];
  closed: GraphKind[];
} {
  const runs: GraphKind[] = [];
  const closed: GraphKind[] = [];
  return {
    runs,
    closed,
    open: async (graph) => ({
      name: 'onnx',
      description: graph,
      batchSize: 2,
      graph,
      async run(pixels) {
        expect(pixels).toHaveLength(2 * IMAGE_BYTES);
        runs.push(graph);
        await setTimeout(milliseconds[graph]);
        return new Float32Array();
      },
      close: async () => void closed.push(graph),
    }),
  };
}

describe('openFastest', () => {
  it.each([
    { direct: 60, winograd: 10, expected: 'winograd', other: 'direct', closed: ['direct'] },
    { direct: 10, winograd: 60, expected: 'direct', other: 'winograd', closed: ['direct', 'winograd'] },
  ] as const)('keeps $expected where it is faster', async ({ expected, other, closed, ...times }) => {
    const engines = slowEngines(times);
    const { engine, graph, milliseconds } = await openFastest(engines.open);
    expect([engine.graph, graph]).toEqual([expected, expected]);
    expect(engines.closed).toEqual(closed);
    expect(milliseconds[expected]).toBeLessThan(milliseconds[other]);
  });

  it('runs each twice, even where one run takes longer than the whole measurement should', async () => {
    const engines = slowEngines({ direct: 600, winograd: 600 });
    const { engine } = await openFastest(engines.open);
    expect(engines.runs).toEqual(['direct', 'direct', 'winograd', 'winograd']);
    await engine.close();
  });

  it('leaves none open where one fails', async () => {
    const engines = slowEngines({ direct: 1, winograd: 1 });
    const fails =
      (broken: GraphKind) =>
      async (graph: GraphKind): Promise<Engine> => {
        const engine = await engines.open(graph);
        return graph === broken ? { ...engine, run: () => Promise.reject(new Error(`${graph} fails`)) } : engine;
      };
    await expect(openFastest(fails('direct'))).rejects.toThrow('direct fails');
    expect(engines.closed).toEqual(['direct']);
    await expect(openFastest(fails('winograd'))).rejects.toThrow('winograd fails');
    expect(engines.closed).toEqual(['direct', 'direct', 'winograd']);
  });
});
