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
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { FEATURE_LENGTH, FEATURE_SHAPE } from '../backbone/vgg16.js';
import { WorldError } from '../errors.js';
import { fromFloat16, toFloat16 } from '../float16.js';
import type { CacheKey } from './schema.js';

/** A row on its way into a shard. */
export interface NewRow {
  readonly digest: string;
  /** The image's id when it was computed; a later rename does not change it. */
  readonly id: string;
  /** float32 [7, 7, 512], flattened. */
  readonly feature: Float32Array;
}

/** The canonical extension type of Arrow: pyarrow gives such a column as an ndarray [n, 7, 7, 512]. */
const TENSOR = new Map([
  ['ARROW:extension:name', 'arrow.fixed_shape_tensor'],
  ['ARROW:extension:metadata', JSON.stringify({ shape: FEATURE_SHAPE })],
]);

/**
 * Rows as an Arrow IPC file with the columns digest (utf8), id (utf8) and feature (`arrow.fixed_shape_tensor`
 * [7, 7, 512] of the key's dtype). The same rows give the same bytes.
 * @throws WorldError where a number is not finite in that dtype: such a row must not reach the cache
 */
export function encodeShard(rows: readonly NewRow[], key: CacheKey, engine: string): Uint8Array {
  const values = new Float32Array(rows.length * FEATURE_LENGTH);
  for (const [i, row] of rows.entries()) values.set(row.feature, i * FEATURE_LENGTH);
  const half = key.dtype === 'float16' ? toFloat16(values) : undefined;
  const bad = firstNotFinite(half === undefined ? values : fromFloat16(half));
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

/** A plain loop: with a callback for each number, a shard would hold the event loop twice as long. */
function firstNotFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}

function utf8(values: string[]): Data<Utf8> {
  const [data] = vectorFromArray(values, new Utf8()).data;
  if (data === undefined) throw new RangeError('A shard needs at least one row.');
  return data;
}
