import { readManifest, type ShardEntry } from './manifest.js';
import { placesOf } from './places.js';
import { evenRows, SHARD_ROWS } from './ranges.js';
import { readShardRows } from './rewrite.js';
import type { CacheKey } from './schema.js';
import type { NewRow } from './shard.js';
import { commitShard, removeShard } from './store.js';

/**
 * Who computed a shard, without how many threads it took: they change no bit of a feature. Everything else stays apart,
 * since another graph or version may differ in the last bits.
 */
function engineOf({ engine }: ShardEntry): string {
  return engine.replace(/, \d+ threads?(?=,|$)/, '');
}

/**
 * Merges shards of fewer than half of SHARD_ROWS rows, and drops rows that are there twice. Call it under `claimAll`. New
 * shards are whole before old ones go, so that a kill leaves at most rows twice. Content and content digest stay.
 * @returns how many shards there were and are
 */
export async function compact(folder: string, key: CacheKey): Promise<{ before: number; after: number }> {
  const { shards } = await readManifest(folder);
  const places = placesOf(shards);
  const used = (shard: ShardEntry): number[] =>
    shard.digests.flatMap((digest, row) => {
      const place = places.get(digest);
      return place?.shard === shard && place.row === row ? [row] : [];
    });
  const byEngine = new Map<string, ShardEntry[]>();
  for (const shard of shards) {
    if (used(shard).length === shard.digests.length && shard.digests.length >= SHARD_ROWS / 2) continue;
    byEngine.set(engineOf(shard), [...(byEngine.get(engineOf(shard)) ?? []), shard]);
  }
  for (const [common, small] of byEngine) {
    const [first, ...others] = new Set(small.map((shard) => shard.engine));
    const engine = first === undefined || others.length > 0 ? common : first;
    const most = evenRows(
      small.reduce((sum, shard) => sum + used(shard).length, 0),
      SHARD_ROWS,
    );
    const written = new Set<string>();
    let rows: NewRow[] = [];
    let emptied: string[] = [];
    const flush = async (): Promise<void> => {
      if (rows.length > 0) written.add((await commitShard(folder, rows, key, engine)).file);
      rows = [];
    };
    const removeEmptied = async (): Promise<void> => {
      for (const file of emptied) if (!written.has(file)) await removeShard(folder, file);
      emptied = [];
    };
    for (const shard of small.toSorted((a, b) => (String(a.digests[0]) < String(b.digests[0]) ? -1 : 1))) {
      const all = await readShardRows(folder, shard);
      for (const row of used(shard)) {
        const next = all[row];
        if (next !== undefined) rows.push(next);
        if (rows.length === most) {
          await flush();
          await removeEmptied();
        }
      }
      emptied.push(shard.file);
    }
    await flush();
    await removeEmptied();
  }
  return { before: shards.length, after: (await readManifest(folder)).shards.length };
}
