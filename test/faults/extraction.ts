import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import seedrandom from 'seedrandom';
import sharp from 'sharp';
import { z } from 'zod';
import { PACKAGE_ROOT } from '../../pipeline/package-root.js';
import { pool5 } from '../stages/command-line.js';

const CLI = join(PACKAGE_ROOT, 'dist/stages/cli.js');

/** A picture of its own for each number: coloured blotches, 240x200. */
export async function drawPicture(path: string, number: number): Promise<void> {
  const random = seedrandom(`picture ${number}`);
  const pixels = Uint8Array.from({ length: 8 * 8 * 3 }, () => random() * 256);
  await sharp(pixels, { raw: { width: 8, height: 8, channels: 3 } })
    .resize(240, 200, { fit: 'fill', kernel: 'cubic' })
    .toFile(path);
}

/** p0.jpg, p1.jpg, ... */
export async function drawPictures(folder: string, count: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let i = 0; i < count; i++) await drawPicture(join(folder, `p${i}.jpg`), i);
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when stderr holds the text; rejects where the process ends before. */
  said(text: string): Promise<void>;
}

/** Starts the built command line, or another command, and leaves it running. */
export function start(args: readonly string[], command: readonly string[] = [process.execPath, CLI]): Running {
  const [program = '', ...first] = command;
  const child = spawn(program, [...first, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => (stdout += String(data)));
  child.stderr.on('data', (data) => (stderr += String(data)));
  const ended = once(child, 'close').then(() => ({
    code: child.exitCode,
    signal: child.signalCode,
    stdout,
    stderr,
  }));
  const said = async (text: string): Promise<void> => {
    while (!stderr.includes(text)) {
      const over = await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 20))]);
      if (over !== undefined && !stderr.includes(text)) throw new Error(`never said ${text}: ${stderr}`);
    }
  };
  return { child, ended, said };
}

/** @throws Error with what it said, where a command that must work does not */
export async function succeed<Outcome extends { code: number | null; stderr: string }>(
  running: Promise<Outcome>,
): Promise<Outcome> {
  const outcome = await running;
  if (outcome.code !== 0) throw new Error(outcome.stderr);
  return outcome;
}

/** The one folder of a key below --features. */
export async function cacheFolder(features: string): Promise<string> {
  const name = (await readdir(features)).find((entry) => entry.startsWith('pool5-'));
  if (name === undefined) throw new Error(`no cache in ${features}`);
  return join(features, name);
}

const inspection = z.object({ contentDigest: z.string(), rows: z.number(), shards: z.number(), folder: z.string() });

/** What pool5 inspect --verify says of a cache. */
export async function inspect(features: string): Promise<z.infer<typeof inspection>> {
  const { code, stdout, stderr } = await pool5('inspect', '--features', features, '--verify', '--json');
  if (code !== 0) throw new Error(stderr);
  return inspection.parse(JSON.parse(stdout));
}

/** Temporary files and locks that a cache still holds. */
export async function leftovers(features: string): Promise<string[]> {
  const names = await readdir(features, { recursive: true }).catch(() => []);
  return names.filter((name) => /\.tmp-|locks\/./.test(name));
}
