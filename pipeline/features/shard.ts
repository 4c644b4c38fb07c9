import {
  type Data,
  Field,
  FixedSizeList,
  Float16,
  Float32,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableFromIPC,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { z } from 'zod';
import { sha256Of } from '../files/sha256.js';
import { FEATURE_LENGTH, FEATURE_SHAPE } from '../backbone/vgg16.js';
import { WorldError } from '../errors.js';
import { fromFloat16, toFloat16 } from '../float16.js';
import { rowBytes } from './row.js';
import type { CacheKey } from './schema.js';

/** A row on its way into a shard. */
export interface NewRow {
  readonly digest: string;
  /** The image's id when it was computed; a later rename does not change it. */
  readonly id: string;
  /** float32 [7, 7, 512], flattened. */
  readonly feature: Float32Array;
}

/** What a reader needs to know of a shard's bytes. */
export interface ShardContent {
  readonly key: CacheKey;
  /** Who computed it: library, version, device. */
  readonly engine: string;
  /** Byte offset of the first feature; row i begins i * rowBytes(dtype) further. */
  readonly featureOffset: number;
  readonly digests: readonly string[];
  /** sha256 (hex) of each row's feature as stored. */
  readonly rowSha256: readonly string[];
}

/** The canonical extension type of Arrow: pyarrow gives such a column as an ndarray [n, 7, 7, 512]. */
const TENSOR = new Map([
  ['ARROW:extension:name', 'arrow.fixed_shape_tensor'],
  ['ARROW:extension:metadata', JSON.stringify({ shape: FEATURE_SHAPE })],
]);

const metadataSchema = z.object({
  key: z.object({
    weights: z.string(),
    preprocessing: z.string(),
    layer: z.literal('pool5'),
    dtype: z.enum(['float32', 'float16']),
    precision: z.literal('int8').exactOptional(),
  }),
  engine: z.string(),
});

/**
 * Rows as an Arrow IPC file with the columns digest (utf8), id (utf8) and feature (`arrow.fixed_shape_tensor`
 * [7, 7, 512] of the key's dtype). The same rows give the same bytes.
 * @throws WorldError where a number is not finite in that dtype: such a row must not reach the cache
 */
export function encodeShard(rows: readonly NewRow[], key: CacheKey, engine: string): Uint8Array {
  const values = new Float32Array(rows.length * FEATURE_LENGTH);
  for (const [i, row] of rows.entries()) values.set(row.feature, i * FEATURE_LENGTH);
  const half = key.dtype === 'float16' ? toFloat16(values) : undefined;
  const bad = (half === undefined ? values : fromFloat16(half)).findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) {
    const id = rows[Math.floor(bad / FEATURE_LENGTH)]?.id;
    throw new WorldError(`Expected finite ${key.dtype} features, got ${values[bad]} for ${id} from ${engine}.`);
  }
  const type = half === undefined ? new Float32() : new Float16();
  const list = new FixedSizeList(FEATURE_LENGTH, new Field('item', type, false));
  const schema = new Schema(
    [
      new Field('digest', new Utf8(), false),
      new Field('id', new Utf8(), false),
      new Field('feature', list, false, TENSOR),
    ],
    new Map([['pool5', JSON.stringify({ key, engine })]]),
  );
  const item = makeData({ type, length: values.length, nullCount: 0, data: half ?? values });
  const children = [
    utf8(rows.map((row) => row.digest)),
    utf8(rows.map((row) => row.id)),
    makeData({ type: list, length: rows.length, nullCount: 0, child: item }),
  ];
  const struct = makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children });
  return tableToIPC(new Table(schema, [new RecordBatch(schema, struct)]), 'file');
}

function utf8(values: string[]): Data<Utf8> {
  const [data] = vectorFromArray(values, new Utf8()).data;
  if (data === undefined) throw new RangeError('A shard needs at least one row.');
  return data;
}

/**
 * Looks into a shard's bytes.
 * @throws Error where the bytes are no shard of this layout
 */
export function describeShard(bytes: Uint8Array): ShardContent {
  const table = tableFromIPC(bytes);
  const { key, engine } = metadataSchema.parse(JSON.parse(table.schema.metadata.get('pool5') ?? ''));
  const [batch] = table.batches;
  const values: unknown = batch?.data.children[2]?.children[0]?.values;
  const length = rowBytes(key.dtype);
  const fits = key.dtype === 'float16' ? values instanceof Uint16Array : values instanceof Float32Array;
  if (table.batches.length !== 1 || !fits || !ArrayBuffer.isView(values) || values.buffer !== bytes.buffer) {
    throw new TypeError(`a shard without one batch of ${key.dtype} features`);
  }
  // Before a column is read: an injured file can claim more rows than memory holds.
  if (table.numRows < 1 || values.byteLength < table.numRows * length) throw new RangeError('a shard without its rows');
  const digests = strings(table, 'digest');
  const featureOffset = values.byteOffset - bytes.byteOffset;
  const rowSha256 = digests.map((_, i) => {
    const start = featureOffset + i * length;
    return sha256Of(bytes.subarray(start, start + length));
  });
  return { key, engine, featureOffset, digests, rowSha256 };
}

/** The ids in a shard's bytes, in the order of its rows. */
export function idsOf(bytes: Uint8Array): string[] {
  return strings(tableFromIPC(bytes), 'id');
}

function strings(table: Table, column: string): string[] {
  const values: unknown[] = [...(table.getChild(column) ?? [])];
  return values.map(String);
}
