import { join, resolve } from 'node:path';
import { InputError } from '../pipeline/errors.js';
import { writeSample } from '../pipeline/sample/folder.js';
import { defineStage } from './stage.js';

export const stage = defineStage({
  options: (yargs) =>
    yargs
      .option('out', { type: 'string', demandOption: true, describe: 'Folder for the pictures and labels.csv' })
      .option('count', { type: 'number', default: 240, describe: 'How many pictures, half of tigers, half of cats' })
      .option('seed', { type: 'number', default: 1, describe: 'The same seed draws the same pictures' })
      .example('$0 sample --out data/sample', 'Draw 240 pictures, and their lengths in cm as data/sample/labels.csv'),

  async run({ out, count, seed }, effects) {
    for (const [name, value, least] of [
      ['count', count, 2],
      ['seed', seed, 0],
    ] as const) {
      if (Number.isSafeInteger(value) && value >= least) continue;
      throw new InputError({
        expected: `a whole number of ${least} or more`,
        found: String(value),
        where: `--${name}`,
      });
    }
    const folder = resolve(out);
    const started = performance.now();
    const bar = effects.progress('sample', count, 'pictures');
    try {
      const drawn = await writeSample(folder, {
        seed,
        count,
        signal: effects.signal,
        drawn: (done) => bar.update(done),
      });
      const seconds = Number(((performance.now() - started) / 1000).toFixed(2));
      return { folder: out, labels: join(out, 'labels.csv'), count, seed, drawn, seconds };
    } finally {
      bar.stop();
    }
  },

  text: ({ folder, labels, count, seed, drawn, seconds }) =>
    drawn === 0
      ? `Nothing to draw: ${folder} holds the ${count} pictures of seed ${seed}.`
      : `Drew ${drawn} pictures of tigers and cats in ${seconds.toFixed(1)} s: ${folder}, their lengths in cm in ${labels}.`,
});
