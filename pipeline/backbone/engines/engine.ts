import { InputError } from '../../errors.js';
import { IMAGE_BYTES } from '../vgg16.js';
import type { Ranges } from './onnx/ranges.js';

export type EngineName = 'onnx' | 'tensorflow' | 'wasm';

/**
 * How a graph multiplies: `direct` convolutions; Winograd's for conv3_1 to conv5_3, with fewer multiplications (the
 * features differ by 2e-6, relative L2, so that a cache keeps to one of them); or 8-bit ones (they differ by 3e-2).
 */
type GraphKind = 'direct' | 'winograd' | 'int8';

/** Runs the frozen stack. Every implementation passes test/pipeline/backbone/engines/conformance.test.ts. */
export interface Engine {
  readonly name: EngineName;
  /** The library and its version, and the device, e.g. "onnxruntime-node 1.30.0, CPU, 2 threads". */
  readonly description: string;
  /** How many pictures a call should carry to run at full speed. */
  readonly batchSize: number;
  /** Of an engine that knows several. */
  readonly graph?: GraphKind;
  /**
   * @param pixels uint8 NHWC RGB [n, 224, 224, 3], 0..255
   * @returns float32 NHWC [n, 7, 7, 512]
   * @throws InputError where the length is not that of n >= 1 pictures
   */
  run(pixels: Uint8Array): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface EngineOptions {
  /** Threads within one operation; default: the cores that this process may use. */
  readonly threads?: number;
  /** For engines that know several; default: direct. */
  readonly graph?: GraphKind;
  /** For the int8 graph; default: those of the embedded weights. */
  readonly ranges?: Ranges;
}

/** The n of pixels [n, 224, 224, 3]. */
export function batchOf(pixels: Uint8Array): number {
  const n = pixels.length / IMAGE_BYTES;
  if (n < 1 || !Number.isInteger(n)) {
    throw new InputError({
      expected: 'pixels of shape [n, 224, 224, 3]',
      found: `${pixels.length} bytes`,
      fix: `A picture has ${IMAGE_BYTES} bytes.`,
    });
  }
  return n;
}
