import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { memory } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { FEATURE_LENGTH } from '../../../pipeline/backbone/vgg16.js';
import type { FeatureCache } from '../../../pipeline/features/schema.js';
import { openGram } from '../../../pipeline/head/gram-file.js';
import { useWasm } from '../../../pipeline/tensorflow/wasm.js';
import { digestOf, memoryCache, randomFeatures } from './memory-cache.js';

beforeAll(useWasm);

function recorder(): { lines: string[]; log: (line: string) => void } {
  const lines: string[] = [];
  return { lines, log: (line) => void lines.push(line) };
}

const features = randomFeatures(12);
const digests = [...features.keys()].map(digestOf);

function exact(one: string, other: string): number {
  const [a, b] = [one, other].map((digest) => [...features].find(([id]) => digestOf(id) === digest)?.[1]);
  let sum = 0;
  for (let i = 0; i < FEATURE_LENGTH; i++) sum += (a?.[i] ?? 0) * (b?.[i] ?? 0);
  return sum;
}

describe('openGram', () => {
  test('gives products within 1e-6 of those in float64', async () => {
    const before = memory().numTensors;
    const gram = await openGram(memoryCache(features), digests, recorder());
    for (const one of digests) {
      for (const other of digests) expect(gram.product(one, other) / exact(one, other)).toBeCloseTo(1, 6);
    }
    expect(memory().numTensors).toBe(before);
  });

  test('keeps what it has and reads new rows only when asked for more', async () => {
    const cache = memoryCache(features);
    const some = await openGram(cache, digests.slice(0, 7), recorder());
    cache.given.length = 0;
    expect((await openGram(cache, digests.slice(2, 6), recorder())).packed).toEqual(some.packed);
    expect(cache.given).toEqual([]);
    const done: number[][] = [];
    const all = await openGram(cache, digests, { ...recorder(), onPair: (...counts) => void done.push(counts) });
    expect(done).toEqual([[5, 5]]);
    expect(all.digests.slice(0, 7)).toEqual(some.digests);
    expect(all.packed.slice(0, some.packed.length)).toEqual(some.packed);
    for (const one of digests) {
      for (const other of digests) expect(all.product(one, other) / exact(one, other)).toBeCloseTo(1, 6);
    }
    expect(readdirSync(join(cache.folder, 'span')).length).toBe(2);
  });

  test('computes damaged products anew and says so', async () => {
    const cache = memoryCache(features);
    const gram = await openGram(cache, digests, recorder());
    const folder = join(cache.folder, 'span');
    const file = join(folder, readdirSync(folder).find((name) => name.endsWith('.f64')) ?? '');
    const bytes = readFileSync(file);
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const heard = recorder();
    expect((await openGram(cache, digests, heard)).packed).toEqual(gram.packed);
    expect(heard.lines).toEqual([
      `Computes the span anew: ${join(folder, 'gram.json')} is damaged: its checksum does not match.`,
    ]);
    const silent = recorder();
    await openGram(cache, digests, silent);
    expect(silent.lines).toEqual([]);
  });

  test('computes those of other features anew', async () => {
    const cache = memoryCache(features);
    await openGram(cache, digests, recorder());
    const heard = recorder();
    const other: FeatureCache = { ...cache, identity: 'b'.repeat(64) };
    await openGram(other, digests, heard);
    expect(heard.lines).toEqual([
      `Computes the span anew: ${join(cache.folder, 'span', 'gram.json')} is of other features.`,
    ]);
  });

  test('names a photograph with a number that is not finite', async () => {
    const broken = new Map(features);
    broken.set(
      '3.jpg',
      Float32Array.from(features.get('3.jpg') ?? [], (value, i) => (i === 77 ? Number.NaN : value)),
    );
    const cache = memoryCache(broken);
    await expect(openGram(cache, digests, recorder())).rejects.toThrow(
      `Expected 25,088 finite numbers for a photograph, got NaN at 77 (${cache.folder}, 3.jpg). ` +
        'Delete this folder and run pool5 extract again.',
    );
  });
});
