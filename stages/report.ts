import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { errorMessage, InterruptedError, Pool5Error } from '../pipeline/errors.js';
import { openCache, type OpenCache } from '../pipeline/features/cache.js';
import { writeAtomically } from '../pipeline/files/atomic.js';
import { likenessOf, MOST_COMPARED } from '../pipeline/report/likeness.js';
import type { RunReport } from '../pipeline/report/outcome.js';
import { missingNotes, photographsIn, photographsOf } from '../pipeline/report/photographs.js';
import { findRun, readRun, type RunFiles } from '../pipeline/report/run-files.js';
import { runPage } from '../pipeline/report/run-page.js';
import { runReport } from '../pipeline/report/run-report.js';
import { readSweep } from '../pipeline/report/sweep-files.js';
import { disagreements, sweepPage } from '../pipeline/report/sweep-page.js';
import { thumbnailsOf } from '../pipeline/report/thumbnails.js';
import type { Effects } from '../pipeline/terminal/effects.js';
import { defineStage } from './stage.js';

interface Likeness {
  readonly likeness: RunReport['likeness'];
  readonly notes: readonly string[];
}

function unexamined(reason: string): Likeness {
  return { likeness: undefined, notes: [`Look-alikes were not examined: ${reason}`] };
}

/** The page says what is wrong with a cache, and is worth having without. */
async function unlessFaulty<Value>(work: () => Promise<Value>): Promise<Value | Pool5Error> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Pool5Error && !(error instanceof InterruptedError)) return error;
    throw error;
  }
}

async function examineLikeness(
  { config, outcomes }: RunFiles,
  cache: OpenCache | Pool5Error,
  effects: Effects,
): Promise<Likeness> {
  if (cache instanceof Pool5Error) return unexamined(errorMessage(cache));
  if (outcomes.length > MOST_COMPARED)
    return unexamined(`more than ${MOST_COMPARED.toLocaleString('en')} photographs take too long.`);
  if (cache.identity !== config.features.identity)
    return unexamined(`${cache.folder} holds other features than the run used.`);
  const likeness = await unlessFaulty(() => likenessOf(cache, outcomes, effects));
  return likeness instanceof Pool5Error ? unexamined(errorMessage(likeness)) : { likeness, notes: [] };
}

interface Pictures {
  readonly thumbnails: readonly (string | undefined)[];
  readonly notes: readonly string[];
}

/** From the folder that was named, else from where extract found them. */
async function pictures(
  ids: readonly string[],
  images: string | undefined,
  cache: OpenCache | Pool5Error,
): Promise<Pictures> {
  const photographs =
    images === undefined
      ? await photographsOf(cache instanceof Pool5Error ? undefined : cache, ids)
      : await photographsIn(images, ids);
  const thumbnails = await thumbnailsOf(photographs.files);
  return { thumbnails, notes: missingNotes(photographs, thumbnails) };
}

/** Opens a file as its owner would by a double click. */
function openFile(file: string, log: (line: string) => void): void {
  const opener = process.platform === 'darwin' ? 'open' : process.platform === 'win32' ? 'explorer' : 'xdg-open';
  const child = spawn(opener, [file], { stdio: 'ignore', detached: true });
  child.on('error', (error) => log(`Could not open it with ${opener}: ${error.message}`));
  child.unref();
}

interface Source {
  readonly run: string | undefined;
  readonly artifacts: string;
  readonly features: string | undefined;
  readonly images: string | undefined;
}

/** A page on its way to its file. */
interface Made {
  readonly folder: string;
  readonly page: string;
  readonly about: {
    /** Name of the run or sweep. */
    readonly name: string;
    readonly photographs: number;
    /** Photographs that the page shows. */
    readonly pictures: number;
    readonly suspects: number | null;
    readonly duplicates: number | null;
  };
}

function shown(thumbnails: readonly (string | undefined)[]): number {
  return thumbnails.filter((each) => each !== undefined).length;
}

async function aboutRun({ run, artifacts, features, images }: Source, effects: Effects): Promise<Made> {
  const folder = await findRun(run, artifacts);
  const files = await readRun(folder);
  const cache = await unlessFaulty(() => openCache(features ?? files.config.features.folder));
  const ids = files.outcomes.map(({ id }) => id);
  const { thumbnails, notes: missing } = await pictures(ids, images, cache);
  const { likeness, notes: unknown } = await examineLikeness(files, cache, effects);
  const notes = [...missing, ...unknown];
  for (const note of notes) effects.log(note);
  const page = await runPage(runReport(files, likeness, notes), thumbnails);
  const [suspects, duplicates] = [likeness?.suspects.length ?? null, likeness?.duplicates.length ?? null];
  const about = { name: files.name, photographs: ids.length, pictures: shown(thumbnails), suspects, duplicates };
  return { folder, page, about };
}

async function aboutSweep(
  name: string,
  { artifacts, features, images }: Source,
  { log }: Pick<Effects, 'log'>,
): Promise<Made> {
  const files = await readSweep(name, artifacts);
  const seen = disagreements(files);
  const cache = await unlessFaulty(() => openCache(features ?? files.features ?? 'features'));
  const ids = seen.map(({ id }) => id);
  const { thumbnails, notes: missing } = await pictures(ids, images, cache);
  const notes = seen.length === 0 ? ['No photograph was unseen by two seeds of the best setting.'] : missing;
  for (const note of notes) log(note);
  const page = await sweepPage(files, seen, thumbnails, notes);
  const about = {
    name: files.sweep.name,
    photographs: seen.length,
    pictures: shown(thumbnails),
    suspects: null,
    duplicates: null,
  };
  return { folder: files.folder, page, about };
}

export const stage = defineStage({
  options: (yargs) =>
    yargs
      .option('run', { type: 'string', describe: "A run's folder or name  [default: the last run]" })
      .option('sweep', { type: 'string', describe: "A sweep's name, instead of a run" })
      .conflicts('sweep', 'run')
      .option('artifacts', { type: 'string', default: 'artifacts', describe: 'Folder of the runs' })
      .option('features', { type: 'string', describe: "Folder of the features  [default: the run's own]" })
      .option('images', { type: 'string', describe: 'Folder of the photographs  [default: where extract found them]' })
      .option('out', { type: 'string', describe: "The page  [default: report.html in the run's folder]" })
      .option('open', { type: 'boolean', default: false, describe: 'Open the page in a browser' })
      .example('$0 report', 'A page about the last run, with its photographs')
      .example('$0 report --images data/sample', 'The same, where the photographs have moved')
      .example('$0 report --sweep NAME', 'A page about a sweep'),

  async run(options, effects) {
    const started = performance.now();
    const { sweep } = options;
    const made = sweep === undefined ? await aboutRun(options, effects) : await aboutSweep(sweep, options, effects);
    const file = options.out ?? join(made.folder, 'report.html');
    await writeAtomically(file, made.page);
    if (options.open) openFile(resolve(file), (line) => effects.log(line));
    return {
      file,
      ...made.about,
      bytes: Buffer.byteLength(made.page),
      seconds: Number(((performance.now() - started) / 1000).toFixed(2)),
    };
  },

  text: ({ file, photographs, suspects, duplicates, bytes }) => {
    const found = suspects === null ? '' : `, doubtful labels: ${suspects}, near-duplicates: ${duplicates}`;
    return `${file}: ${photographs} photographs${found}, ${(bytes / 1e6).toFixed(1)} MB. Open it in a browser.`;
  },
});
