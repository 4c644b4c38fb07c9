import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PACKAGE_ROOT } from '../../dist/pipeline/package-root.js';

export const CLI = join(PACKAGE_ROOT, 'dist/stages/cli.js');

const TELL = pathToFileURL(join(PACKAGE_ROOT, 'bench/extract/tell.mjs')).href;

/**
 * Runs a script in a process of its own that prints one JSON object.
 * @returns summary: that object; seconds; megabytes: peak memory; cpu: seconds of all threads; held: the longest time
 *   that its event loop was held (ms); opened: seconds until it logged its engine, where it did; printed: until it
 *   printed the object
 */
export async function runCommand(script, args) {
  const started = performance.now();
  const child = spawn(process.execPath, ['--import', TELL, script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr, opened, printed] = ['', '', NaN, NaN];
  child.stdout.on('data', (data) => {
    stdout += data;
    printed = performance.now();
  });
  child.stderr.on('data', (data) => {
    stderr += data;
    if (Number.isNaN(opened) && /^engine: /m.test(stderr)) opened = performance.now();
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`${args.join(' ')} failed: ${stderr}`);
  return {
    summary: stdout.startsWith('{') ? JSON.parse(stdout) : null,
    seconds: (performance.now() - started) / 1000,
    opened: (opened - started) / 1000,
    printed: (printed - started) / 1000,
    ...JSON.parse(/^told (.*)$/m.exec(stderr)?.[1] ?? '{}'),
  };
}
