import { z } from 'zod';
import { sha256Of } from '../files/sha256.js';
import { keySchema, shardName, type ShardEntry } from './manifest.js';
import { decodeRow, rowBytes } from './row.js';
import type { CacheKey } from './schema.js';
import type { NewRow } from './shard.js';

/** Rows of the largest shard. */
export const MOST_ROWS = 4096;

/** What a shard's bytes hold. */
export interface ShardContent {
  readonly key: CacheKey;
  /** Who computed it: library, version, device. */
  readonly engine: string;
  readonly digests: readonly string[];
  readonly ids: readonly string[];
  /** Byte offset of the first feature; row i begins i * rowBytes(dtype) further. */
  readonly featureOffset: number;
  /** sha256 (hex) of each row's feature as stored. */
  readonly rowSha256: readonly string[];
}

const metadataSchema = z.object({ key: keySchema, engine: z.string() });

/** "ARROW1" and two zeros. */
const MAGIC = 8;

/** Far above any footer of ours. */
const MOST_FOOTER = 65_536;

const align = (position: number): number => Math.ceil(position / 8) * 8;

/**
 * Finds the content where encodeShard lays it: one record batch (the lengths of its buffers follow from the rows), then
 * the footer. Nothing here follows an offset or a count of the file further than the file goes, whatever its bytes are;
 * Arrow libraries do, and hang or run out of memory on forged ones. Other Arrow files give an error or nonsense: of
 * foreign bytes encodeShard must give the same ones before anything is believed.
 * @returns undefined where the content is not there
 */
export function readContent(bytes: Uint8Array): ShardContent | undefined {
  try {
    return find(bytes);
  } catch {
    return undefined;
  }
}

function find(bytes: Uint8Array): ShardContent {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { key, engine } = readMetadata(file);
  const digestOffsets = MAGIC + 8 + file.readInt32LE(MAGIC + 4); // behind the record batch's own metadata
  let count = 0;
  while (count < MOST_ROWS && file.readInt32LE(digestOffsets + 4 * (count + 1)) === 64 * (count + 1)) count++;
  const digestsAt = align(digestOffsets + 4 * (count + 1));
  const idOffsets = align(digestsAt + 64 * count);
  const idsAt = align(idOffsets + 4 * (count + 1));
  const digests: string[] = [];
  const ids: string[] = [];
  let end = 0;
  for (let i = 0; i < count; i++) {
    digests.push(file.toString('latin1', digestsAt + 64 * i, digestsAt + 64 * (i + 1)));
    const start = end;
    end = file.readInt32LE(idOffsets + 4 * (i + 1));
    if (end < start) throw new RangeError('an id of negative length');
    ids.push(file.toString('utf8', idsAt + start, idsAt + end));
  }
  const featureOffset = align(idsAt + end);
  const length = rowBytes(key.dtype);
  if (count === 0 || featureOffset + count * length > file.length) throw new RangeError('a shard without its rows');
  if (!digests.every((digest) => /^[0-9a-f]{64}$/.test(digest))) throw new TypeError('a shard without digests');
  const rowSha256 = digests.map((_, i) => sha256Of(file.subarray(featureOffset + i * length).subarray(0, length)));
  return { key, engine, digests, ids, featureOffset, rowSha256 };
}

/** The JSON in the footer, which a length of four bytes precedes. */
function readMetadata(file: Buffer): z.infer<typeof metadataSchema> {
  const end = file.length - 10; // the footer's length and "ARROW1" again
  const footer = file.subarray(Math.max(0, end - Math.min(file.readUInt32LE(end), MOST_FOOTER)), end);
  const start = footer.indexOf('{"key":');
  return metadataSchema.parse(JSON.parse(footer.toString('utf8', start, start + footer.readUInt32LE(start - 4))));
}

/** The rows of a shard's bytes, to be written again. */
export function rowsOf(bytes: Uint8Array, { key, digests, ids, featureOffset }: ShardContent): NewRow[] {
  const length = rowBytes(key.dtype);
  return digests.map((digest, i) => {
    const at = featureOffset + i * length;
    const feature = decodeRow(new Uint8Array(bytes.subarray(at, at + length)), key.dtype); // a copy is aligned
    return { digest, id: ids[i] ?? '', feature };
  });
}

/** The manifest's entry of a shard. */
export function entryOf(bytes: Uint8Array, { engine, featureOffset, digests, rowSha256 }: ShardContent): ShardEntry {
  const { file, sha256 } = shardName(bytes);
  const rows = { digests: [...digests], rowSha256: [...rowSha256] };
  return { file, bytes: bytes.length, sha256, featureOffset, ...rows, engine, written: new Date().toISOString() };
}
