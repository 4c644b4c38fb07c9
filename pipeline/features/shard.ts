import {
  type Data,
  Field,
  FixedSizeList,
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
import { FEATURE_LENGTH, FEATURE_SHAPE } from '../backbone/vgg16.js';
import type { CacheKey } from './schema.js';

/** A row on its way into a shard. */
export interface NewRow {
  readonly digest: string;
  /** The image's id when it was computed; a later rename does not change it. */
  readonly id: string;
  /** float32 [7, 7, 512], flattened. */
  readonly feature: Float32Array;
}

/** A shard's bytes and where its rows lie in them. */
export interface EncodedShard {
  readonly bytes: Uint8Array;
  /** Byte offset of the first feature; row i begins i * 4 * 25,088 bytes further. */
  readonly featureOffset: number;
}

/** The canonical extension type of Arrow: pyarrow gives such a column as an ndarray [n, 7, 7, 512]. */
const TENSOR = new Map([
  ['ARROW:extension:name', 'arrow.fixed_shape_tensor'],
  ['ARROW:extension:metadata', JSON.stringify({ shape: FEATURE_SHAPE })],
]);

/**
 * Rows as an Arrow IPC file with the columns digest (utf8), id (utf8) and feature (`arrow.fixed_shape_tensor`
 * [7, 7, 512]). The same rows give the same bytes.
 */
export function encodeShard(rows: readonly NewRow[], key: CacheKey): EncodedShard {
  const values = new Float32Array(rows.length * FEATURE_LENGTH);
  for (const [i, row] of rows.entries()) values.set(row.feature, i * FEATURE_LENGTH);
  const list = new FixedSizeList(FEATURE_LENGTH, new Field('item', new Float32(), false));
  const schema = new Schema(
    [
      new Field('digest', new Utf8(), false),
      new Field('id', new Utf8(), false),
      new Field('feature', list, false, TENSOR),
    ],
    new Map([['pool5', JSON.stringify(key)]]),
  );
  const item = makeData({ type: new Float32(), length: values.length, nullCount: 0, data: values });
  const children = [
    utf8(rows.map((row) => row.digest)),
    utf8(rows.map((row) => row.id)),
    makeData({ type: list, length: rows.length, nullCount: 0, child: item }),
  ];
  const struct = makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children });
  const bytes = tableToIPC(new Table(schema, [new RecordBatch(schema, struct)]), 'file');
  return { bytes, featureOffset: featureOffset(bytes) };
}

function utf8(values: string[]): Data<Utf8> {
  const [data] = vectorFromArray(values, new Utf8()).data;
  if (data === undefined) throw new RangeError('A shard needs at least one row.');
  return data;
}

function featureOffset(bytes: Uint8Array): number {
  const values: unknown = tableFromIPC(bytes).batches[0]?.data.children[2]?.children[0]?.values;
  if (!(values instanceof Float32Array)) throw new TypeError('A shard has no float32 feature column.');
  return values.byteOffset - bytes.byteOffset;
}

/**
 * The digests and ids in a shard's bytes, and where the features lie.
 * @throws Error where the bytes are no shard of this layout
 */
export function describeShard(bytes: Uint8Array): { digests: string[]; featureOffset: number } {
  const digests: unknown[] = [...(tableFromIPC(bytes).getChild('digest') ?? [])];
  return { digests: digests.map(String), featureOffset: featureOffset(bytes) };
}
