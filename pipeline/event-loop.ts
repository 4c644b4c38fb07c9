import { setImmediate } from 'node:timers/promises';

/** How long work may hold the event loop at a stretch (milliseconds): progress and Ctrl-C wait for no more than that. */
const STRETCH = 20;

/**
 * For work that would hold the event loop for long: the function that it returns is awaited at each step, and lets the
 * event loop turn whenever a stretch is over.
 */
export function inStretches(): () => Promise<void> {
  let began = performance.now();
  return async () => {
    if (performance.now() - began < STRETCH) return;
    await setImmediate();
    began = performance.now();
  };
}
