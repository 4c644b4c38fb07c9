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
    { direct: 60, winograd: 10, expected: 'winograd', other: 'direct' },
    { direct: 10, winograd: 60, expected: 'direct', other: 'winograd' },
  ] as const)('keeps $expected where it is faster, and closes $other', async ({ expected, other, ...times }) => {
    const engines = slowEngines(times);
    const { engine, graph, milliseconds } = await openFastest(engines.open);
    expect([engine.graph, graph]).toEqual([expected, expected]);
    expect(engines.closed).toEqual([other]);
    expect(milliseconds[expected]).toBeLessThan(milliseconds[other]);
  });

  it('runs both in turn, even where one run takes longer than the whole measurement should', async () => {
    const engines = slowEngines({ direct: 600, winograd: 600 });
    const { engine } = await openFastest(engines.open);
    expect(engines.runs).toEqual(['direct', 'winograd', 'direct', 'winograd']);
    await engine.close();
  });

  it('leaves none open where one fails', async () => {
    const engines = slowEngines({ direct: 1, winograd: 1 });
    const broken = async (graph: GraphKind): Promise<Engine> => ({
      ...(await engines.open(graph)),
      run: () => Promise.reject(new Error(`${graph} fails`)),
    });
    await expect(openFastest(broken)).rejects.toThrow('direct fails');
    expect(engines.closed).toEqual(['direct', 'winograd']);
    const half = (graph: GraphKind): Promise<Engine> =>
      graph === 'direct' ? engines.open(graph) : Promise.reject(new Error('does not open'));
    await expect(openFastest(half)).rejects.toThrow('does not open');
    expect(engines.closed).toEqual(['direct', 'winograd', 'direct']);
  });
});
