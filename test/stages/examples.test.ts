import { execFile } from 'node:child_process';
import { cp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import yargs from 'yargs';
import { PACKAGE_ROOT } from '../../pipeline/package-root.js';
import { type MisbehavingServer, startServer } from '../faults/start.js';
import { newFolder, type Outcome } from './command-line.js';

/** The parts of a stage that hold its examples. */
interface Documented {
  options(parser: ReturnType<typeof yargs>): unknown;
}

/** The examples in a stage's --help, as they stand there but for the program's name. */
async function examplesOf(name: string): Promise<string[]> {
  const { stage }: { stage: Documented } = await import(`../../stages/${name}.ts`);
  const parser = yargs([]);
  const found: string[] = [];
  const declared = parser.example.bind(parser);
  Object.assign(parser, {
    example(command: string, description: string) {
      found.push(command);
      return declared(command, description);
    },
  });
  stage.options(parser);
  return found;
}

const files = await readdir(join(PACKAGE_ROOT, 'stages'));
const STAGES = files.map((file) => file.replace(/\.ts$/, '')).filter((name) => !['cli', 'stage'].includes(name));
const EXAMPLES = Object.fromEntries(
  await Promise.all(STAGES.map(async (name) => [name, await examplesOf(name)] as const)),
);

/**
 * What is added to an example here. Their lists name a server on this machine, which both refuse unless they are told;
 * fewer pictures than a person would draw are enough.
 */
const ADDED: Readonly<Record<string, string>> = {
  download: ' --allow-private',
  tutorial: ' --allow-private',
  sample: ' --count 6',
};

/** Words that stand for a person's own names, and what the fixture has in their place. */
const NAMES: Readonly<Record<string, string>> = {
  '--run NAME': '--run one',
  'artifacts/NAME': 'artifacts/one',
  '--sweep NAME': '--sweep rates',
};

let folder: string;
let server: MisbehavingServer;

/** Runs a line as a person's shell would, where pool5 is the built command line. */
function shell(line: string): Promise<Outcome> {
  const cli = join(PACKAGE_ROOT, 'dist/stages/cli.js');
  const script = `pool5() { '${process.execPath}' '${cli}' "$@"; }\n${line}`;
  return new Promise((done) => {
    execFile('sh', ['-ec', script], { cwd: folder, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** What the examples take for granted: photographs, tables, lists, features, runs and a sweep. */
async function fixture(): Promise<void> {
  const made = await shell(
    [
      'pool5 sample --out data/sample --count 32 --quiet',
      'mkdir data/photos',
      'cp -r data/sample/tiger data/sample/kittycat data/photos',
      `pool5 label --images data/photos --rule 'tiger: normal(100, 30)' --rule 'kittycat: normal(40, 8)' --quiet`,
      'cp data/photos/kittycat/kittycat.0001.jpg cat.jpg',
      'cp data/photos/tiger/tiger.0001.jpg tiger.jpg',
      'pool5 extract --images data/photos --quiet',
      'pool5 train --labels labels.csv --run one --quiet',
      'pool5 train --labels labels.csv --run other --seed 2 --quiet',
      'pool5 sweep --labels labels.csv --seeds 1..2 --name rates --quiet',
    ].join('\n'),
  );
  if (made.code !== 0) throw new Error(made.stderr);
  const ids = ['tiger/tiger.0001.jpg', 'kittycat/kittycat.0001.jpg'];
  await writeFile(join(folder, 'sheet.csv'), `photo,length\n${ids.map((id, i) => `${id},${40 + i}\n`).join('')}`);
  for (const [host, name] of ['tiger', 'kittycat'].entries()) {
    const addresses = [1, 2, 3, 4].map((i) => `http://127.0.0.${host + 1}:${server.port}/ok/${i}/${name}.jpg\n`);
    await writeFile(join(folder, `${name}.txt`), addresses.join(''));
  }
}

beforeAll(async () => {
  [folder, server] = await Promise.all([newFolder(), startServer()]);
  await fixture();
}, 240_000);
afterAll(async () => {
  server.stop();
  await rm(folder, { recursive: true, force: true });
});

function asRun(stage: string, example: string): string {
  const command = Object.entries(NAMES).reduce((line, [word, name]) => line.replace(word, name), example);
  return `${command.replace('$0', 'pool5')}${ADDED[stage] ?? ''}`;
}

it('every stage has an example', () => {
  expect(STAGES.filter((stage) => (EXAMPLES[stage] ?? []).length === 0)).toEqual([]);
  expect(Object.values(EXAMPLES).flat()).toSatisfy((all: string[]) => all.every((each) => each.startsWith('$0 ')));
});

describe('examples of --help', () => {
  it.each(STAGES.flatMap((stage) => (EXAMPLES[stage] ?? []).map((example) => [stage, example] as const)))(
    '%s: %s',
    async (stage, example) => {
      // Examples stand for themselves: each begins from the same files.
      const copy = `${folder} copy`;
      await cp(folder, copy, { recursive: true });
      try {
        const { code, stderr } = await shell(`cd '${copy}'\n${asRun(stage, example)}`);
        expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
      } finally {
        await rm(copy, { recursive: true });
      }
    },
    120_000,
  );
});
