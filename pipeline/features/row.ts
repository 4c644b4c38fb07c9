import { FEATURE_LENGTH } from '../backbone/vgg16.js';
import { fromFloat16 } from '../float16.js';
import type { CacheKey } from './schema.js';

/** Bytes that a row's feature takes. */
export function rowBytes(dtype: CacheKey['dtype']): number {
  return FEATURE_LENGTH * (dtype === 'float16' ? 2 : 4);
}

/** A stored feature as float32; float16 is widened exactly. The bytes must be aligned for their dtype. */
export function decodeRow(bytes: Uint8Array<ArrayBuffer>, dtype: CacheKey['dtype']): Float32Array {
  return dtype === 'float16'
    ? fromFloat16(new Uint16Array(bytes.buffer, bytes.byteOffset, FEATURE_LENGTH))
    : new Float32Array(bytes.buffer, bytes.byteOffset, FEATURE_LENGTH);
}
