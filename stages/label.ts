import { readFile } from 'node:fs/promises';
import pLimit from 'p-limit';
import { sha256Of } from '../pipeline/files/sha256.js';
import { InputError, InterruptedError } from '../pipeline/errors.js';
import { findImages } from '../pipeline/images/find.js';
import { checkLabels } from '../pipeline/labels/check.js';
import { idColumn, targetColumn, unitOf } from '../pipeline/labels/columns.js';
import { histogramOf, type Histogram, histogramText } from '../pipeline/labels/histogram.js';
import { makeLabels } from '../pipeline/labels/make.js';
import { checkPictureName, drawHistogram } from '../pipeline/labels/picture.js';
import { accountOf, counted, listed, matchRows } from '../pipeline/labels/match.js';
import { targetOf } from '../pipeline/labels/read.js';
import { noiseFloor, parseRule, ruleText } from '../pipeline/labels/rules.js';
import { readTable } from '../pipeline/labels/tables.js';
import { type Labels, writeLabels } from '../pipeline/labels/write.js';
import type { Effects } from '../pipeline/terminal/effects.js';
import { defineStage } from './stage.js';

export interface LabelSummary {
  readonly labels: string;
  readonly rows: number;
  readonly target: string;
  readonly unit: string;
  /** What there is to know: a line each. */
  readonly account: readonly string[];
  /** The least RMSE that is possible on made-up labels, in their unit. */
  readonly noiseFloor?: number;
  readonly histogram: Histogram;
  readonly picture?: string;
}

interface Options {
  readonly images: string;
  readonly out: string;
  readonly seed: number;
  readonly unit: string | undefined;
  readonly id: string | undefined;
  readonly target: string | undefined;
}

type Outcome = Omit<LabelSummary, 'histogram' | 'rows'> & { readonly labelled: Labels['rows'] };

const columnsOf = ({ id, target }: Options): { id?: string; target?: string } => ({
  ...(id === undefined ? {} : { id }),
  ...(target === undefined ? {} : { target }),
});

/** sha256 (hex) of each image's bytes. */
async function digests(
  images: readonly { readonly id: string; readonly path: string }[],
  effects: Effects,
): Promise<{ id: string; digest: string }[]> {
  const progress = effects.progress('digest', images.length, 'photographs');
  let done = 0;
  try {
    return await pLimit(8).map(images, async ({ id, path }) => {
      if (effects.signal.aborted) throw interrupted(effects.signal);
      const digest = sha256Of(await readFile(path));
      progress.update(++done);
      return { id, digest };
    });
  } finally {
    progress.stop();
  }
}

function interrupted(signal: AbortSignal): InterruptedError {
  return new InterruptedError(signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT', 'No labels were written.');
}

/** A name that carries its unit: length and cm are length_cm. */
function named(target: string, unit: string): string {
  return unit === '' || unitOf(target) === unit ? target : `${target}_${unit}`;
}

async function makeUp(texts: readonly string[], options: Options, effects: Effects): Promise<Outcome> {
  const rules = texts.map((text) => parseRule(text, '--rule'));
  const { images } = await findImages(options.images);
  const { rows, without } = makeLabels(await digests(images, effects), rules, options.seed);
  const unit = options.unit ?? unitOf(options.target ?? '');
  const target = named(options.target ?? 'length', unit);
  const ruleLines = rules.map((rule) => `rule: ${ruleText(rule)}`);
  const comments = [`seed: ${options.seed}`, `unit: ${unit}`, ...ruleLines];
  await writeLabels(options.out, { origin: 'made up, not measured', comments, target, rows });
  const floor = noiseFloor({ file: options.out, comments, rows });
  const account = without === 0 ? [] : [`${counted(without, 'image is', 'images are')} in a folder without a rule`];
  return {
    labels: options.out,
    target,
    unit,
    account,
    labelled: rows,
    ...(floor === undefined ? {} : { noiseFloor: floor.rmse }),
  };
}

async function join(file: string, options: Options, effects: Effects): Promise<Outcome> {
  const table = await readTable(file);
  const id = idColumn(table, options.id);
  const target = targetColumn(table, id, options.target);
  const { images } = await findImages(options.images);
  const matches = matchRows(
    table,
    id,
    images.map((image) => image.id),
  );
  const empty = matches.matches.filter(({ row }) => row.columns[target] === '');
  const rows = matches.matches
    .filter(({ row }) => row.columns[target] !== '')
    .map(({ image, row }) => ({ id: image, target: targetOf(table, target, row.columns[target] ?? '', row.line) }));
  const account = accountOf(matches);
  if (empty.length > 0) {
    const lines = listed(empty, ({ image, row }) => `${image} (line ${row.line})`);
    account.push(`${counted(empty.length, 'image has', 'images have')} a row without a number: ${lines}`);
  }
  if (rows.length === 0) {
    effects.log(account.join('\n'));
    const fix = 'Name the column of image names with --id.';
    throw new InputError({ expected: 'rows that mean images', found: `none by column ${id}`, where: file, fix });
  }
  const unit = options.unit ?? unitOf(target);
  const comments = unit === '' ? [] : [`unit: ${unit}`];
  await writeLabels(options.out, { origin: `joined from ${file}`, comments, target, rows });
  return { labels: options.out, target, unit, account, labelled: rows };
}

async function check(file: string, options: Options, effects: Effects): Promise<Outcome> {
  const table = await readTable(file);
  const { images } = await findImages(options.images);
  const { target, errors, notes, rows } = checkLabels(
    table,
    images.map(({ id }) => id),
    columnsOf(options),
  );
  const unit = options.unit ?? unitOf(target);
  if (errors.length > 0) {
    effects.log([...notes, histogramText(histogramOf(rows), unit)].join('\n'));
    const found = errors.length === 1 ? '1 problem' : `${errors.length} problems`;
    const list = errors.map((error) => `- ${error}`).join('\n');
    throw new InputError(`Expected labels in order, got ${found} (${file}):\n${list}`);
  }
  return { labels: file, target, unit, account: notes, labelled: rows };
}

/** About: a picture has room for more than a terminal. */
const PICTURE_BINS = 32;

/** length_cm is "length (cm)". */
function axisTitle({ target, unit }: { target: string; unit: string }): string {
  if (unit === '') return target;
  const name = target.endsWith(`_${unit}`) ? target.slice(0, -unit.length - 1) : target;
  return name.includes(unit) ? name : `${name} (${unit})`;
}

/** Exactly one of the three ways to labels. */
function oneOf(ways: Readonly<Record<string, unknown>>): void {
  const given = Object.keys(ways).filter((way) => ways[way] !== undefined);
  if (given.length === 1) return;
  const found = given.length === 0 ? 'none' : given.join(' and ');
  throw new InputError({ expected: 'one of --rule, --from and --check', found });
}

export const stage = defineStage({
  options: (yargs) =>
    yargs
      .option('images', { type: 'string', demandOption: true, requiresArg: true, describe: 'Folder of photographs' })
      .option('rule', {
        type: 'string',
        array: true,
        requiresArg: true,
        describe: "Make numbers up for a folder, e.g. 'tiger: normal(100, 30) min 20'",
      })
      .option('from', {
        type: 'string',
        requiresArg: true,
        describe: 'Join a table: .csv, .tsv, .jsonl, .parquet, .arrow',
      })
      .option('check', { type: 'string', requiresArg: true, describe: 'Explain what is wrong with a file of labels' })
      .option('id', { type: 'string', requiresArg: true, describe: 'Column of the images, for --from and --check' })
      .option('target', { type: 'string', requiresArg: true, describe: 'Column of the numbers' })
      .option('unit', { type: 'string', requiresArg: true, describe: 'Unit of the numbers, e.g. cm' })
      .option('seed', { type: 'number', default: 1, describe: 'Seed of made-up numbers' })
      .option('out', { type: 'string', default: 'labels.csv', requiresArg: true, describe: 'File to write' })
      .option('picture', { type: 'string', requiresArg: true, describe: 'Draw the histogram into a .png or .svg file' })
      .example(
        "$0 label --images data/photos --rule 'tiger: normal(100, 30) min 20' --rule 'kittycat: normal(40, 8) min 10' --unit cm",
        'Lengths as in the tutorial',
      )
      .example('$0 label --images data/photos --from sheet.csv --id photo --target length', 'Numbers from a table')
      .example('$0 label --images data/photos --check labels.csv', 'What is wrong with a file'),

  async run(options, effects): Promise<LabelSummary> {
    const { rule, from, check: checked } = options;
    oneOf({ '--rule': rule, '--from': from, '--check': checked });
    if (options.picture !== undefined) checkPictureName(options.picture);
    if (!Number.isSafeInteger(options.seed)) {
      throw new InputError({ expected: 'a whole number', found: String(options.seed), where: '--seed' });
    }
    const outcome =
      rule !== undefined
        ? await makeUp(rule, options, effects)
        : from !== undefined
          ? await join(from, options, effects)
          : await check(checked ?? '', options, effects);
    const { labelled, ...rest } = outcome;
    const histogram = histogramOf(labelled);
    const summary = { ...rest, rows: labelled.length, histogram };
    if (options.picture === undefined) return summary;
    await drawHistogram(histogramOf(labelled, PICTURE_BINS), axisTitle(rest), options.picture);
    return { ...summary, picture: options.picture };
  },

  text({ labels, rows, target, unit, account, noiseFloor: floor, histogram, picture }, options) {
    const done =
      options.check === undefined ? `${rows.toLocaleString('en')} labels in ${labels}` : `${labels} is in order`;
    const limit = `No model can do better than RMSE ${floor?.toFixed(2)} ${unit} on these made-up numbers: the rest is chance`;
    return [
      histogramText(histogram, unit || target),
      ...account,
      done,
      ...(floor === undefined ? [] : [limit.replace('  ', ' ')]),
      ...(picture === undefined ? [] : [`Histogram: ${picture}`]),
    ].join('\n');
  },
});
