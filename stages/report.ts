import { spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errorMessage, InputError, Pool5Error } from '../pipeline/errors.js';
import { openCache } from '../pipeline/features/cache.js';
import { writeAtomically } from '../pipeline/files/atomic.js';
import { likenessOf, MOST_COMPARED } from '../pipeline/report/likeness.js';
import type { RunReport } from '../pipeline/report/outcome.js';
import { findRun, readRun, type RunFiles } from '../pipeline/report/run-files.js';
import { runPage } from '../pipeline/report/run-page.js';
import { runReport } from '../pipeline/report/run-report.js';
import { thumbnailsOf } from '../pipeline/report/thumbnails.js';
import { defineStage } from './stage.js';

interface Likeness {
  readonly likeness: RunReport['likeness'];
  readonly notes: readonly string[];
}

function unexamined(reason: string): Likeness {
  return { likeness: undefined, notes: [`Look-alikes were not examined: ${reason}`] };
}

async function examineLikeness({ config, outcomes }: RunFiles, features: string): Promise<Likeness> {
  if (outcomes.length > MOST_COMPARED)
    return unexamined(`a run of more than ${MOST_COMPARED} photographs takes too long.`);
  try {
    const cache = await openCache(features);
    if (cache.identity !== config.features.identity)
      return unexamined(`${features} holds other features than the run used.`);
    return { likeness: await likenessOf(cache, outcomes), notes: [] };
  } catch (error) {
    // The page says it, and is worth having without.
    if (error instanceof Pool5Error) return unexamined(errorMessage(error));
    throw error;
  }
}

async function pictures(run: RunFiles, images: string | undefined): Promise<(string | undefined)[]> {
  if (images === undefined) return [];
  const stats = await stat(images).catch(() => undefined);
  if (stats?.isDirectory() !== true) {
    throw new InputError({
      expected: 'a folder of photographs',
      found: 'none',
      where: images,
      fix: 'Name it with --images.',
    });
  }
  return thumbnailsOf(
    images,
    run.outcomes.map(({ id }) => id),
  );
}

function pictureNotes(thumbnails: readonly (string | undefined)[], images: string | undefined): string[] {
  if (images === undefined) return ['Without --images, this page shows no photographs.'];
  const missing = thumbnails.filter((each) => each === undefined).length;
  return missing === 0 ? [] : [`${missing} of ${thumbnails.length} photographs could not be read from ${images}.`];
}

/** Opens a file as its owner would by a double click. */
function openFile(file: string, log: (line: string) => void): void {
  const opener = process.platform === 'darwin' ? 'open' : process.platform === 'win32' ? 'explorer' : 'xdg-open';
  const child = spawn(opener, [file], { stdio: 'ignore', detached: true });
  child.on('error', (error) => log(`Could not open it with ${opener}: ${error.message}`));
  child.unref();
}

export const stage = defineStage({
  options: (yargs) =>
    yargs
      .option('run', { type: 'string', describe: "A run's folder or name  [default: the last run]" })
      .option('artifacts', { type: 'string', default: 'artifacts', describe: 'Folder of the runs' })
      .option('features', { type: 'string', describe: "Folder of the features  [default: the run's own]" })
      .option('images', { type: 'string', describe: 'Folder of the photographs, which the page then shows' })
      .option('out', { type: 'string', describe: "The page  [default: report.html in the run's folder]" })
      .option('open', { type: 'boolean', default: false, describe: 'Open the page in a browser' })
      .example('$0 report --images data/sample', 'A page about the last run, with its photographs'),

  async run(options, effects) {
    const started = performance.now();
    const folder = await findRun(options.run, options.artifacts);
    const run = await readRun(folder);
    const thumbnails = await pictures(run, options.images);
    const { likeness, notes } = await examineLikeness(run, options.features ?? run.config.features.folder);
    const allNotes = [...pictureNotes(thumbnails, options.images), ...notes];
    for (const note of allNotes) effects.log(note);
    const page = await runPage(runReport(run, likeness, allNotes), thumbnails);
    const file = options.out ?? join(folder, 'report.html');
    await writeAtomically(file, page);
    if (options.open) openFile(resolve(file), (line) => effects.log(line));
    return {
      file,
      run: run.name,
      photographs: run.outcomes.length,
      pictures: thumbnails.filter((each) => each !== undefined).length,
      suspects: likeness?.suspects.length ?? null,
      duplicates: likeness?.duplicates.length ?? null,
      bytes: Buffer.byteLength(page),
      seconds: Number(((performance.now() - started) / 1000).toFixed(2)),
    };
  },

  text: ({ file, photographs, suspects, duplicates, bytes }) => {
    const found = suspects === null ? '' : `, ${suspects} doubtful labels, ${duplicates} near-duplicates`;
    return `${file}: ${photographs} photographs${found}, ${(bytes / 1e6).toFixed(1)} MB. Open it in a browser.`;
  },
});
