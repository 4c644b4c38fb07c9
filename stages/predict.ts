import { statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../pipeline/errors.js';
import { basisOf, calibrate, NO_INTERVAL, type Calibration } from '../pipeline/head/calibration.js';
import { openHead, resolveRun, type Head } from '../pipeline/head/open.js';
import { openCache } from '../pipeline/features/cache.js';
import { familiarityOf, type Familiarity } from '../pipeline/likeness/familiarity.js';
import { findImages } from '../pipeline/images/find.js';
import { predict } from '../pipeline/predict.js';
import { drawPicture } from '../pipeline/report/picture.js';
import { readRun } from '../pipeline/report/run-files.js';
import { table } from '../pipeline/terminal/table.js';
import { defineStage } from './stage.js';

interface Summary {
  readonly run: string;
  readonly predictions: readonly { image: string; prediction: number; unit: string }[];
  /** Each prediction plus or minus `half` (in the unit) holds the truth with probability `coverage`. */
  readonly interval: Calibration | null;
  readonly rejected: readonly { image: string; rejected: string }[];
  /** Photographs unlike all that the head was trained on; null where their features are no longer in the cache. */
  readonly unfamiliar: readonly string[] | null;
  /** Whether the backbone's weights are random. */
  readonly random: boolean;
  readonly picture: string | null;
}

export const stage = defineStage({
  options: (yargs) =>
    yargs
      .positional('image', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'Photographs, or folders of them',
      })
      .option('run', { type: 'string', default: 'latest', describe: "A run's folder, or its name under --artifacts" })
      .option('artifacts', { type: 'string', default: 'artifacts', describe: 'Folder of the runs' })
      .option('weights', { type: 'string', describe: 'As for extract, where it was given there' })
      .option('engine', {
        choices: ['auto', 'onnx', 'tensorflow', 'wasm'] as const,
        default: 'auto' as const,
        describe: 'What runs the stack',
      })
      .option('picture', { type: 'string', describe: 'Draw the photographs in a grid, each under its length (.png)' })
      .example('$0 predict cat.jpg tiger.jpg', 'Two numbers from the latest run')
      .example('$0 predict --run artifacts/NAME cat.jpg tiger.jpg --picture lengths.png', 'The same as a picture'),

  async run(options): Promise<Summary> {
    const folder = await resolveRun(options.run, options.artifacts);
    const images = (await Promise.all(options.image.map(imagesAt))).flat();
    const head = await openHead(folder);
    try {
      const familiarity = await familiarityWith(folder, head);
      const unfamiliar: string[] = [];
      const outcomes = await predict(head, images, {
        weights: options.weights,
        engine: options.engine,
        onFeature(image, feature) {
          if (familiarity !== undefined && familiarity.distanceOf(feature) > familiarity.threshold)
            unfamiliar.push(image);
        },
      });
      const predictions = outcomes.flatMap((outcome) => ('rejected' in outcome ? [] : [outcome]));
      const rejected = outcomes.flatMap((outcome) => ('rejected' in outcome ? [outcome] : []));
      const [first] = rejected;
      if (predictions.length === 0) {
        throw new InputError({
          expected: 'at least one usable photograph',
          found: first?.rejected ?? 'none',
          where: first?.image ?? options.image.join(', '),
          fix: 'pool5 reads JPEG, PNG, WebP, AVIF, TIFF and GIF files.',
        });
      }
      if (options.picture !== undefined) {
        await drawPicture(
          predictions.map(({ image, prediction, unit }) => ({ file: image, title: title(prediction, unit) })),
          options.picture,
        );
      }
      return {
        run: folder,
        predictions,
        interval: await intervalOf(folder),
        rejected,
        unfamiliar: familiarity === undefined ? null : unfamiliar,
        random: head.config.features.random,
        picture: options.picture ?? null,
      };
    } finally {
      head.close();
    }
  },

  text({ predictions, interval, rejected, unfamiliar, picture, random }) {
    const rows = predictions.map(({ image, prediction, unit }) => [image, prediction.toFixed(1), unit]);
    const lines = [table(rows, { right: [1], width: Infinity })];
    for (const { image, rejected: reason } of rejected) lines.push(`set aside: ${image}: ${reason}`);
    if (interval === null) {
      lines.push(NO_INTERVAL);
    } else {
      const half = `${interval.half.toFixed(1)} ${predictions[0]?.unit ?? ''}`.trimEnd();
      lines.push(
        `±${half} holds the truth for about ${interval.coverage * 100} % of such photographs; it rests on`,
        // Within 80 columns.
        `${basisOf(interval).replace(', taken', ',\ntaken')}.`,
      );
    }
    if (unfamiliar === null) {
      lines.push('Not checked for photographs unlike the training ones: their features are no longer in the cache.');
    } else if (unfamiliar.length > 0) {
      lines.push(`Unlike every training photograph, so trust these less: ${unfamiliar.join(', ')}`);
    }
    if (random) lines.push('Random weights: the numbers mean nothing.');
    if (picture !== null) lines.push(`Picture: ${picture}`);
    return lines.join('\n');
  },
});

function title(prediction: number, unit: string): string {
  return `Len: ${prediction.toFixed(1)} ${unit}`.trimEnd();
}

/** A folder stands for the images below it. */
async function imagesAt(path: string): Promise<string[]> {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [path];
  return (await findImages(path)).images.map((image) => join(path, image.id));
}

/** Training photographs that a new one is compared with, at most: a sample, since digests are in random order. */
const COMPARED = 2000;

/** Knows the photographs that trained the head; undefined where the cache that it was trained on is gone. */
async function familiarityWith(folder: string, head: Head): Promise<Familiarity | undefined> {
  const { features } = head.config;
  const cache = await openCache(features.folder).catch((error: unknown) => {
    if (error instanceof InputError) return undefined;
    throw error;
  });
  if (cache === undefined || cache.identity !== features.identity) return undefined;
  const { outcomes } = await readRun(folder);
  const trained = outcomes.filter(({ id, split }) => split === 'train' && cache.images.has(id));
  const order = (id: string): string => cache.images.get(id) ?? '';
  const ids = trained.map(({ id }) => id).toSorted((a, b) => (order(a) < order(b) ? -1 : 1));
  return ids.length < 2 ? undefined : familiarityOf(cache, ids.slice(0, COMPARED));
}

async function intervalOf(folder: string): Promise<Calibration | null> {
  const { outcomes, summary } = await readRun(folder);
  return calibrate(outcomes, summary);
}
