import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256Of } from '../../pipeline/files/sha256.js';
import { newFolder, pool5, type Outcome } from './command-line.js';

let folder: string;
let images: string;
beforeAll(async () => {
  folder = await newFolder();
  images = join(folder, 'pictures');
  await pool5('sample', '--out', images, '--count', '16');
});

function extract(features: string, ...args: string[]): Promise<Outcome> {
  return pool5('extract', '--images', images, '--features', join(folder, features), ...args);
}

/** The only cache below a features folder. */
async function cacheOf(features: string): Promise<string> {
  const [name = '', ...others] = (await readdir(join(folder, features))).filter((entry) => entry.startsWith('pool5-'));
  expect(others).toEqual([]);
  return join(folder, features, name);
}

async function contentOf(features: string): Promise<string> {
  return JSON.parse((await pool5('inspect', '--features', join(folder, features), '--json')).stdout).contentDigest;
}

/** As a cache keeps its choice. */
function sealed(choice: object): string {
  return JSON.stringify({ choice, sha256: sha256Of(JSON.stringify(choice)) });
}

describe('the graph of a cache', () => {
  it('is chosen once: later runs and workers follow it, and a lost choice is told from the shards', async () => {
    const first = await extract('chosen', '--shard', '1/2');
    expect(first.stderr).toMatch(/engine: onnxruntime-node [\d.]+, CPU, \d+ threads?, Winograd\n/);
    const choice = join(await cacheOf('chosen'), 'choice.json');
    expect(JSON.parse(await readFile(choice, 'utf8'))).toMatchObject({ choice: { graph: 'winograd' } });

    await rm(choice);
    await extract('chosen', '--workers', '2', '--shard-rows', '1');
    expect(JSON.parse(await readFile(choice, 'utf8'))).toMatchObject({ choice: { graph: 'winograd' } });
    await extract('at once');
    expect(await contentOf('chosen')).toBe(await contentOf('at once'));

    await mkdir(join(folder, 'other'));
    await cp(join(folder, 'chosen'), join(folder, 'other'), { recursive: true });
    await rm(join(await cacheOf('other'), 'shards'), { recursive: true });
    await rm(join(await cacheOf('other'), 'manifest'), { recursive: true });
    await writeFile(join(await cacheOf('other'), 'choice.json'), sealed({ graph: 'direct' }));
    expect((await extract('other')).stderr).toMatch(/engine: onnxruntime-node [\d.]+, CPU, \d+ threads?\n/);
    const comparison = await pool5(
      'inspect',
      '--features',
      join(folder, 'other'),
      '--compare',
      join(folder, 'chosen'),
      '--json',
    );
    const { largest, within } = JSON.parse(comparison.stdout).compared;
    expect(within).toBe(true);
    expect(largest).toBeGreaterThan(0);
  });

  it('is never guessed from a damaged choice', async () => {
    await extract('damaged', '--shard', '1/2');
    const choice = join(await cacheOf('damaged'), 'choice.json');
    await writeFile(choice, sealed({ graph: 'winograd' }).replace('winograd', 'direct'));
    const { code, stderr } = await extract('damaged');
    expect(code).toBe(2);
    expect(stderr).toContain(
      `Expected a cache's choice of graph, got a damaged file (${choice}). Put it back, or delete it: the next extract then goes on as the shards there were made.`,
    );
  });
});

describe('--precision int8', () => {
  it('has a cache of its own, and a head that is trained on it predicts with int8', async () => {
    await extract('both');
    const { code, stderr } = await extract('both', '--precision', 'int8');
    expect(code).toBe(0);
    expect(stderr).toMatch(/stale 16 \(precision float32 → int8\)/);
    expect(stderr).toMatch(/engine: onnxruntime-node [\d.]+, CPU, \d+ threads?, int8\n/);
    expect((await readdir(join(folder, 'both'))).filter((entry) => entry.startsWith('pool5-'))).toHaveLength(2);

    const run = join(folder, 'artifacts', 'int8');
    const labels = join(images, 'labels.csv');
    const trained = await pool5(
      'train',
      '--features',
      join(folder, 'both'),
      '--labels',
      labels,
      '--artifacts',
      join(folder, 'artifacts'),
      '--run',
      'int8',
    );
    expect(trained).toMatchObject({ code: 0 });
    const [name = ''] = await readdir(join(images, 'tiger'));
    const predicted = await pool5('predict', '--run', run, join(images, 'tiger', name), '--json');
    expect(predicted).toMatchObject({ code: 0 });
  });

  it('measures the activations of other weights once, keeps them with the cache, and misses them', async () => {
    const other = ['--weights', 'random:7', '--precision', 'int8'];
    expect((await extract('random', ...other, '--shard', '1/2')).stderr).toMatch(
      /measuring the activations of 16 photographs for int8/,
    );
    const choice = join(await cacheOf('random'), 'choice.json');
    const kept = await readFile(choice, 'utf8');
    expect(Object.keys(JSON.parse(kept).choice.ranges)).toHaveLength(13);

    await rm(choice);
    const { code, stderr } = await extract('random', ...other);
    expect(code).toBe(2);
    expect(stderr).toContain('Expected choice.json with the ranges that the features there were made with, got none');

    await writeFile(choice, kept);
    const second = await extract('random', ...other);
    expect(second.code).toBe(0);
    expect(second.stderr).not.toContain('measuring');

    // A run keeps the ranges: its head needs no cache.
    const artifacts = join(folder, 'random artifacts');
    const labels = join(images, 'labels.csv');
    const features = ['--features', join(folder, 'random')];
    expect(await pool5('train', ...features, '--labels', labels, '--artifacts', artifacts)).toMatchObject({ code: 0 });
    await rm(join(folder, 'random'), { recursive: true });
    const [name = ''] = await readdir(join(images, 'tiger'));
    const predict = ['predict', '--artifacts', artifacts, '--weights', 'random:7', join(images, 'tiger', name)];
    expect(await pool5(...predict, '--run', 'latest')).toMatchObject({ code: 0 });
    expect(await pool5(...predict, '--run', 'latest', '--engine', 'wasm')).toMatchObject({
      code: 2,
      stderr: 'pool5: Expected --engine onnx for features of an int8 stack, got --engine wasm.\n',
    });
  });

  it('is onnx alone', async () => {
    const { code, stderr } = await extract('wasm', '--precision', 'int8', '--engine', 'wasm');
    expect(code).toBe(2);
    expect(stderr).toBe('pool5: Expected --engine onnx with --precision int8, got --engine wasm.\n');
  });
});
