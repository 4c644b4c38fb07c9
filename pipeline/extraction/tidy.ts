import { claimAll } from '../features/claims.js';
import { compact } from '../features/compact.js';
import { prune, type Pruned } from '../features/prune.js';
import type { CacheKey } from '../features/schema.js';
import type { Effects } from '../terminal/effects.js';
import type { Comparison } from './compare.js';

export interface Tidied {
  readonly pruned: Pruned | null;
  readonly compacted: { readonly before: number; readonly after: number } | null;
}

/** What --prune and --compact do after everything is computed, alone on the cache. */
export async function tidy(
  comparison: Comparison,
  key: CacheKey,
  options: { prune: boolean; compact: boolean },
  effects: Effects,
): Promise<Tidied> {
  const { folder, images } = comparison;
  const held = await claimAll(folder, effects);
  if (held === undefined) return { pruned: null, compacted: null };
  try {
    const names = new Set(images.map(({ id }) => id));
    // What could not be looked at is not known to be gone: a folder without permission keeps its features.
    const unseen = comparison.rejections().map(({ id }) => id);
    const keep = (id: string): boolean =>
      names.has(id) || unseen.some((other) => id === other || id.startsWith(`${other}/`));
    return {
      pruned: options.prune ? await prune(folder, key, keep) : null,
      compacted: options.compact ? await compact(folder, key) : null,
    };
  } finally {
    await held.release();
  }
}
