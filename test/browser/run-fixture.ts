import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { writeSample, imageId } from '../../pipeline/sample/folder.js';
import { lengthOf } from '../../pipeline/sample/scene.js';

/** A file that a page must show as text. */
export const HOSTILE = 'tiger/<img src=x onerror="window.hacked=1"><script>window.hacked=1;.jpg';

const machine = { cpu: 'A <b>processor</b>', cores: 4, quota: 1.5, memory: 8e9, node: 'v20', platform: 'linux x64' };

const errors = (mae: number): object => ({ count: 8, mae, rmse: mae * 1.25, r2: 0.5 });

/**
 * A run as pool5 train writes it, of drawn pictures and made-up predictions, with the pictures beside it. Picture k
 * (from 0) is predicted k - 12 too long.
 */
export async function makeRun(root: string): Promise<{ run: string; images: string }> {
  const images = join(root, 'images');
  const run = join(root, 'artifacts', 'demo');
  const seed = 1;
  await writeSample(images, { seed, count: 24, signal: new AbortController().signal, drawn: () => undefined });
  const rows = Array.from({ length: 24 }, (_, k) => {
    const target = lengthOf(seed, k + 1);
    return [k === 4 ? HOSTILE : imageId(k + 1), k % 3 === 0 ? 'validation' : 'train', target, target + k - 12];
  });
  await copyFile(join(images, imageId(5)), join(images, HOSTILE));
  await mkdir(run, { recursive: true });
  const columns = ['id', 'split', 'target', 'prediction'];
  await writeFile(join(run, 'predictions.csv'), stringify(rows, { header: true, columns }));
  const metrics = Array.from({ length: 20 }, (_, i) => {
    const loss = Math.exp(-i / 8);
    return JSON.stringify({
      epoch: i + 1,
      step: 6 * (i + 1),
      loss,
      validationLoss: loss + 0.1 + i / 50,
      milliseconds: 9,
    });
  });
  await writeFile(join(run, 'metrics.jsonl'), `${metrics.join('\n')}\n`);
  const labels = { file: '<b>labels</b>.csv', target: 'length_cm', unit: 'cm' };
  const features = { folder: join(root, 'features'), identity: 'cd'.repeat(32), random: false };
  const settings = { head: 'dense', hidden: [256], target: 'standard', splitSeed: 1, initSeed: 2 };
  await writeFile(join(run, 'config.json'), JSON.stringify({ pool5: '0.1.0', labels, features, settings }));
  const baselines = { mean: { validation: errors(31) }, ridge: { lambda: 1, parts: { validation: errors(14) } } };
  const seconds = { read: 0.4, train: 2.2, folds: 0, save: 0 };
  const summary = { run: 'demo', baselines, epoch: 9, epochs: 20, floor: 7.5, seconds, machine };
  await writeFile(join(run, 'summary.json'), JSON.stringify(summary));
  return { run, images };
}
