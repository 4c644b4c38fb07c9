/** What decides a feature's numbers, besides the photograph's bytes. Anything else (batch, workers, names) does not. */
export interface CacheKey {
  /** Weights.digest: sha256 (hex) of the stack's tensors. */
  readonly weights: string;
  /** Version of the path from a file's bytes to 224x224 pixels. */
  readonly preprocessing: string;
  readonly layer: 'pool5';
  readonly dtype: 'float32' | 'float16';
  /** In which numbers the stack multiplies; left out where it is float32. */
  readonly precision?: 'int8';
}

/** One photograph's features. */
export interface FeatureRow {
  /** sha256 (hex) of the photograph's bytes. */
  readonly digest: string;
  /** float32 [7, 7, 512] (height, width, channels), flattened: 25,088 numbers. */
  readonly feature: Float32Array;
}

/** A cache as stage 2 sees it. */
export interface FeatureCache {
  /** The folder of this key's files; what is derived from them may be kept below it. */
  readonly folder: string;
  readonly key: CacheKey;
  /** sha256 (hex) of the key. */
  readonly identity: string;
  /** Of an int8 stack: the largest activation of each channel that it reckons with, by layer. */
  readonly ranges?: Record<string, number[]>;
  /** Image id (path below the folder of photographs, with /) -> digest. Copies share a digest. */
  readonly images: ReadonlyMap<string, string>;
  /**
   * The rows of the given digests (default: all) in digest order, each shard checked against its checksum first.
   * @throws InputError that names a damaged shard, or a digest that the cache lacks
   */
  rows(digests?: Iterable<string>): AsyncIterable<FeatureRow>;
}
