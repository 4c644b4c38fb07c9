import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readLists } from '../pipeline/download/list.js';
import { InputError, InterruptedError, type Pool5Error, WorldError } from '../pipeline/errors.js';
import { findImages } from '../pipeline/images/find.js';
import { groupsOf } from '../pipeline/labels/histogram.js';
import { readLabels } from '../pipeline/labels/read.js';
import type { Effects } from '../pipeline/terminal/effects.js';
import { defineStage } from './stage.js';

export interface TutorialSummary {
  /** Where the photographs came from. */
  readonly pictures: 'lists' | 'sample';
  readonly images: string;
  readonly labels: string;
  readonly histogram: string;
  readonly run: string;
  /** The two photographs, each titled with its predicted length. */
  readonly predictions: string;
  /** What was run, in order. */
  readonly commands: readonly string[];
}

/** The lengths that the tutorial makes up, in cm. */
const TIGER = 'normal(100,30) min 20';
const CAT = 'normal(40,8) min 10';

/** A command of this program: stage, options (without --) and images. */
interface Command {
  readonly stage: string;
  readonly options: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  readonly images?: readonly string[];
}

function argsOf({ stage: name, options, images = [] }: Command): string[] {
  const flags = Object.entries(options).flatMap(([option, value]) => {
    if (typeof value === 'boolean') return value ? [`--${option}`] : [];
    return (typeof value === 'object' ? value : [String(value)]).flatMap((each) => [`--${option}`, each]);
  });
  return [name, ...flags, ...images];
}

/** A command as a person would type it. */
function shown(args: readonly string[]): string {
  return ['pool5', ...args.map((arg) => (/^[\w./:=@,-]+$/.test(arg) ? arg : `'${arg}'`))].join(' ');
}

function faultOf(args: readonly string[], code: number | null): Pool5Error {
  if (code === 130 || code === 143) {
    return new InterruptedError(code === 130 ? 'SIGINT' : 'SIGTERM', 'The same command goes on from what is done.');
  }
  const text = `${shown(args)} failed (exit code ${code}), for the reason above. What is done is kept; run this again.`;
  return code === 2 ? new InputError(text) : new WorldError(text);
}

/** Runs this command line's own stages, each as its own process: what a person would do by hand. */
class Walk {
  readonly commands: string[] = [];
  readonly #effects: Effects;

  constructor(effects: Effects) {
    this.#effects = effects;
  }

  /** @returns the exit code */
  async attempt(what: string, command: Command): Promise<number | null> {
    const effects = this.#effects;
    const { signal } = effects;
    const args = argsOf(command);
    this.commands.push(shown(args));
    effects.log(`\n${what}\n$ ${shown(args)}`);
    const cli = fileURLToPath(new URL('cli.js', import.meta.url));
    const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const stop = (): void => void child.kill(signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT');
    signal.addEventListener('abort', stop);
    const closed = once(child, 'close');
    for await (const line of createInterface({ input: child.stdout })) effects.log(line);
    await closed;
    signal.removeEventListener('abort', stop);
    if (signal.aborted) throw faultOf(args, signal.reason === 'SIGTERM' ? 143 : 130);
    return child.exitCode;
  }

  async run(what: string, command: Command): Promise<void> {
    const code = await this.attempt(what, command);
    if (code !== 0) throw faultOf(argsOf(command), code);
  }
}

/** One photograph of each of two folders, as the tutorial shows them. */
async function twoOf(labels: string): Promise<string[]> {
  const ids = (await readLabels(labels)).rows.map((row) => row.id);
  const groups = groupsOf(ids);
  const second = groups.findIndex((group) => group !== groups[0]);
  return [ids[0], ids[Math.max(1, second)]].filter((id) => id !== undefined);
}

/** Downloads and labels. @returns why the lists are of no use, where they are not */
async function fromLists(walk: Walk, options: Options): Promise<string | undefined> {
  const { images, labels, histogram, perList, seed } = options;
  const lists = (await readLists(options.list)).map((list) => list.name);
  const download = {
    stage: 'download',
    options: {
      list: options.list,
      out: images,
      'per-list': perList,
      'allow-private': options.allowPrivate,
    },
  };
  const code = await walk.attempt('download(): the pictures of the lists, those that still are there', download);
  if (code === 2 || code === 3) return 'no address of the lists gave a picture, for the reason above';
  if (code !== 0) throw faultOf(argsOf(download), code);
  const found = (await findImages(images)).images;
  const empty = lists.filter((list) => !found.some(({ id }) => id.startsWith(`${list}/`)));
  if (empty.length > 0) return `no address of ${empty.join(' and ')} gave a picture`;
  const rule = lists.map((list) => `${list}: ${/tiger/i.test(list) ? TIGER : CAT}`);
  await walk.run('load_data(): a made-up length for each picture, and their distributions', {
    stage: 'label',
    options: { images, rule, unit: 'cm', seed, out: labels, picture: histogram },
  });
  return undefined;
}

interface Options {
  readonly list: readonly string[];
  readonly images: string;
  readonly labels: string;
  readonly perList: number;
  readonly seed: number;
  readonly allowPrivate: boolean;
  readonly histogram: string;
}

export const stage = defineStage({
  options: (yargs) =>
    yargs
      .option('list', {
        type: 'string',
        array: true,
        default: [] as string[],
        requiresArg: true,
        describe: 'Lists of addresses, e.g. tiger.txt and kittycat.txt; without any, the sample is drawn',
      })
      .option('out', { type: 'string', default: 'data/tutorial', describe: 'Folder for photographs, labels, pictures' })
      .option('sample', { type: 'string', default: 'data/sample', describe: 'Folder of the drawn sample' })
      .option('count', { type: 'number', default: 240, describe: 'Pictures of the drawn sample' })
      .option('per-list', { type: 'number', default: 400, describe: 'Good pictures after which a list is left' })
      .option('features', { type: 'string', default: 'features', describe: 'Folder of the features' })
      .option('artifacts', { type: 'string', default: 'artifacts', describe: 'Folder of the runs' })
      .option('seed', { type: 'number', default: 1, describe: 'Seed of lengths, sample and training' })
      .option('allow-private', { type: 'boolean', default: false, describe: 'Allow addresses in private networks' })
      .example('$0 tutorial --list tiger.txt --list kittycat.txt', 'From two lists of addresses to two lengths'),

  async run(options, effects): Promise<TutorialSummary> {
    const { out, features, artifacts, seed } = options;
    const walk = new Walk(effects);
    const histogram = join(out, 'lengths.png');
    let images = join(out, 'photos');
    let labels = join(out, 'labels.csv');
    const why =
      options.list.length === 0
        ? 'no lists of addresses were given'
        : await fromLists(walk, { ...options, images, labels, histogram });
    if (why !== undefined) {
      effects.log(`\nThe drawn sample takes the pictures' place: ${why}.`);
      images = options.sample;
      labels = join(options.sample, 'labels.csv');
      await walk.run('In place of download(): drawn tigers and cats, with the lengths they were drawn with', {
        stage: 'sample',
        options: { out: images, count: options.count, seed },
      });
      await walk.run('load_data(): their lengths and distributions', {
        stage: 'label',
        options: { images, check: labels, picture: histogram },
      });
    }
    await walk.run('Vgg16: each picture once through the frozen convolutions', {
      stage: 'extract',
      options: { images, features },
    });
    const hash = createHash('sha256')
      .update(await readFile(labels))
      .update(String(seed));
    const run = `tutorial-${hash.digest('hex').slice(0, 8)}`;
    await walk.run('train() and save(): 100 steps of 6 pictures, then the head', {
      stage: 'train',
      options: { labels, features, artifacts, preset: 'tutorial', run, seed },
    });
    const predictions = join(out, 'predictions.png');
    const two = (await twoOf(labels)).map((id) => join(images, id));
    await walk.run('eval(): the lengths of two pictures', {
      stage: 'predict',
      options: { run: join(artifacts, run), picture: predictions },
      images: two,
    });
    const { commands } = walk;
    return { pictures: why === undefined ? 'lists' : 'sample', images, labels, histogram, run, predictions, commands };
  },

  text({ pictures, images, histogram, predictions, run }) {
    const source = pictures === 'lists' ? 'the pictures of the lists' : 'the drawn sample';
    return [
      '',
      `The tutorial is done, on ${source} (${images}).`,
      `Distributions: ${histogram}`,
      `Two lengths:   ${predictions}`,
      `Run:           ${run}`,
    ].join('\n');
  },
});
