import { setImmediate } from 'node:timers';
import { describe, expect, it } from 'vitest';
import { inStretches } from '../../pipeline/event-loop.js';

describe('inStretches', () => {
  it('lets the event loop turn in the midst of work', async () => {
    const turned = new AbortController();
    setImmediate(() => turned.abort());
    const turn = inStretches();
    let steps = 0;
    for (; !turned.signal.aborted && steps < 5e7; steps++) await turn();
    expect(turned.signal.aborted).toBe(true);
    expect(steps).toBeGreaterThan(1); // it does not turn at each step
  });
});
