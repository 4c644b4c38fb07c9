import { FEATURE_LENGTH } from '../backbone/vgg16.js';
import { openCache } from '../features/cache.js';
import type { LabelTable } from '../labels/read.js';
import type { Effects } from '../terminal/effects.js';
import { withProgress } from '../terminal/with-progress.js';
import { throwIfInterrupted } from './interruption.js';
import type { Experiment } from './experiment.js';
import { openGram } from './gram-file.js';
import { readExamples, type LabelOptions } from './read-examples.js';
import { imagesDigest, type RunConfig } from './run-config.js';
import { checkTargetsDiffer } from './target.js';

export interface Prepared {
  readonly experiment: Experiment;
  /** What a run's config.json says of its inputs. */
  readonly source: Pick<RunConfig, 'labels' | 'features'>;
  /** Photographs of the cache without a label. */
  readonly unlabelled: number;
  /** See noiseFloor. */
  readonly table: LabelTable;
  /** Seconds for reading labels and cache, and for the products that span and ridge need. */
  readonly seconds: { readonly read: number; readonly span: number };
}

/**
 * Opens a cache with its labels, and the products of the labelled photographs' features (kept beside the cache).
 * @param widest photographs up to which the span helps: it would be wider than the features beyond that
 * @throws InputError where either is missing or damaged, and as readExamples does
 */
export async function prepare(
  features: string,
  labels: LabelOptions,
  effects: Effects,
  widest = FEATURE_LENGTH,
): Promise<Prepared> {
  const started = performance.now();
  const cache = await openCache(features);
  const { table, sha256, examples, unlabelled, notes } = await readExamples(cache, labels);
  for (const note of notes) effects.log(note);
  checkTargetsDiffer(
    examples.map(({ target }) => target),
    'photographs',
  );
  const opened = performance.now();
  const digests = new Set(examples.map(({ digest }) => digest));
  const fits = digests.size <= widest;
  if (!fits) {
    const count = digests.size.toLocaleString('en');
    effects.log(`${count} photographs are more than ${widest.toLocaleString('en')} features: no span, no ridge.`);
  }
  const gram = fits
    ? await withProgress(['Span', digests.size, 'photographs'], effects, (update) =>
        openGram(cache, [...digests], {
          log: (line) => effects.log(line),
          onPair(done) {
            update(done);
            throwIfInterrupted(effects.signal);
          },
        }),
      )
    : null;
  return {
    experiment: { cache, examples, gram },
    source: {
      labels: {
        file: labels.file,
        sha256,
        id: labels.id ?? null,
        target: table.target,
        unit: table.unit,
        splitBy: labels.splitBy ?? null,
      },
      features: {
        folder: features,
        identity: cache.identity,
        key: cache.key,
        images: imagesDigest(examples),
        ...(cache.ranges === undefined ? {} : { ranges: cache.ranges }),
        random: cache.header.random,
      },
    },
    unlabelled,
    table,
    seconds: { read: (opened - started) / 1000, span: (performance.now() - opened) / 1000 },
  };
}
