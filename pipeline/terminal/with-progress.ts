import type { Effects } from './effects.js';

/** Runs work with a bar that is taken away also where it fails. */
export async function withProgress<Result>(
  [label, total, unit]: readonly [string, number, string],
  effects: Effects,
  work: (update: (done: number, note?: string) => void) => Promise<Result>,
): Promise<Result> {
  const bar = effects.progress(label, total, unit);
  try {
    return await work((done, note) => bar.update(done, note));
  } finally {
    bar.stop();
  }
}
