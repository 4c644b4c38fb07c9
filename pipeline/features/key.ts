import { sha256Of } from '../files/sha256.js';
import type { CacheKey } from './schema.js';

/** sha256 (hex) of a key. */
export function identityOf(key: CacheKey): string {
  const { weights, preprocessing, layer, dtype, precision } = key;
  const parts = [weights, preprocessing, layer, dtype, ...(precision === undefined ? [] : [precision])];
  return sha256Of(parts.join('\n'));
}

/** The name of the folder below features/ that holds everything of one key. */
export function folderName(key: CacheKey): string {
  const { layer, dtype, precision } = key;
  return [layer, dtype, ...(precision === undefined ? [] : [precision]), identityOf(key).slice(0, 12)].join('-');
}

function short(value: string): string {
  return /^[0-9a-f]{64}$/.test(value) ? value.slice(0, 8) : value;
}

/** What differs between two keys, for people: "weights 1a2b3c4d → 5e6f7a8b". */
export function differences(before: CacheKey, after: CacheKey): string[] {
  const parts = ['weights', 'preprocessing', 'layer', 'dtype', 'precision'] as const;
  return parts
    .filter((part) => before[part] !== after[part])
    .map((part) => `${part} ${short(before[part] ?? 'float32')} → ${short(after[part] ?? 'float32')}`);
}
