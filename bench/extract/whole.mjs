import { execFile, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PACKAGE_ROOT } from '../../dist/pipeline/package-root.js';

/** The command line's own runs: a line each. */
const ROWS = [
  { name: 'pool5 extract', args: [] },
  { name: 'pool5 extract --precision int8', args: ['--precision', 'int8'] },
];

const CLI = join(PACKAGE_ROOT, 'dist/stages/cli.js');

/** Loaded before the command line; tells the process's peak memory (kB) as it ends. */
const TELL_PEAK =
  'data:text/javascript,process.on("exit",()=>process.stderr.write(`peak ${process.resourceUsage().maxRSS}\\n`))';

/** pool5 extract from files to a cache, a new process and a new cache each time. */
export function wholeContestants(photographs, scratch) {
  return ROWS.map(({ name, args }) => {
    let megabytes = 0;
    let engine = '';
    const starts = [];
    return {
      name,
      /** Images/s once the engine is open. */
      async measureFiles() {
        const run = await extract(photographs, scratch, args);
        megabytes = Math.max(megabytes, run.megabytes);
        starts.push(run.open);
        engine = run.engine;
        return run.rate;
      },
      megabytes: () => megabytes,
      /** The description of the engine that the last run chose. */
      engine: () => engine,
      /** Seconds from the process's start until the engine is open, a value a run. */
      starts,
    };
  });
}

async function extract(photographs, scratch, args) {
  const features = join(scratch, 'features');
  const started = performance.now();
  const all = ['extract', '--images', photographs, '--features', features, '--json', ...args];
  const child = spawn(process.execPath, ['--import', TELL_PEAK, CLI, ...all], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr, opened, ended] = ['', '', NaN, NaN];
  child.stdout.on('data', (data) => {
    stdout += data;
    ended = performance.now();
  });
  child.stderr.on('data', (data) => {
    stderr += data;
    // "engine: ..." is logged as soon as the engine is open.
    if (Number.isNaN(opened) && /^engine: /m.test(stderr)) opened = performance.now();
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  rmSync(features, { recursive: true, force: true });
  if (code !== 0) throw new Error(`extract failed: ${stderr}`);
  const { computed, engine } = JSON.parse(stdout);
  return {
    engine,
    rate: computed / ((ended - opened) / 1000),
    open: (opened - started) / 1000,
    megabytes: Number(/^peak (\d+)/m.exec(stderr)?.[1]) / 1000,
  };
}

const run = promisify(execFile);

/** Seconds that `pool5 ARGS` takes in a process of its own. */
export async function timeCommand(args, scratch) {
  const started = performance.now();
  await run(process.execPath, [CLI, ...args]);
  const seconds = (performance.now() - started) / 1000;
  rmSync(join(scratch, 'features'), { recursive: true, force: true });
  return seconds;
}
