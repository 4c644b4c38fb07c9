import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../pipeline/package-root.js';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command line as a person does. */
export function pool5(...args: string[]): Promise<Outcome> {
  return pool5With({}, ...args);
}

/** The same with more variables in its environment. */
export function pool5With(variables: Readonly<Record<string, string>>, ...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const cli = join(PACKAGE_ROOT, 'dist/stages/cli.js');
    const env = { ...process.env, ...variables };
    execFile(process.execPath, [cli, ...args], { env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** A new folder with a space in its name. */
export function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'pool5 test '));
}
