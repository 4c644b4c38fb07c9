#!/usr/bin/env node
import { distance } from 'fastest-levenshtein';
import yargs, { type Argv } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { errorMessage, InterruptedError, Pool5Error } from '../pipeline/errors.js';
import { nodeEffects } from '../pipeline/terminal/effects.js';
import type { CamelCased, Stage } from './stage.js';

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interruption.signal.aborted) die(signal);
    interruption.abort(signal);
  });
}

/** An engine in the midst of a batch holds up process.exit for seconds; nothing holds up the signal itself. */
function die(signal: 'SIGINT' | 'SIGTERM'): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** How long an interrupted run may take to end by itself once it has said so (milliseconds). */
const LAST_WAIT = 1500;

/** Registers a stage whose code loads only when it runs or shows its help. */
function add<Options, Summary extends object>(
  command: string,
  description: string,
  load: () => Promise<Stage<Options, Summary>>,
): void {
  cli.command<Options>(
    command,
    description,
    async (inner) => {
      const declared = (await load()).options(inner);
      current = declared;
      return declared;
    },
    async (argv) => {
      const stage = await load();
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- yargs parsed it from this stage's own options
      const options = argv as unknown as CamelCased<Options>;
      const effects = nodeEffects({ quiet: argv['quiet'] === true, signal: interruption.signal });
      const summary = await stage.run(options, effects);
      effects.print(argv['json'] === true ? JSON.stringify(summary) : stage.text(summary, options));
    },
  );
}

class UsageError extends Pool5Error {
  readonly exitCode = 2;
}

/** The stage whose options are being read; its help lists them. */
let current: Argv | undefined;

/** What yargs says of wrong arguments in its own words, with the flag or stage that was probably meant. */
async function usageMessage(message: string): Promise<string> {
  const args = process.argv.slice(2);
  const help = await (current ?? cli).getHelp();
  const declared = Array.from(help.matchAll(/--([a-z][a-z0-9-]*)/g), ([, name]) => name ?? '');
  const given = args.filter((arg) => arg.startsWith('--')).map((arg) => arg.slice(2).replace(/=.*$/, ''));
  const unknown = given.filter((name) => !declared.includes(name.replace(/^no-/, '')));
  if (unknown.length > 0) {
    return unknown.map((name) => `Expected a known option, got --${name}.${nearest(name, declared, '--')}`).join('\n');
  }
  const [stage = ''] = args;
  if (current === undefined) {
    const stages = Array.from(help.matchAll(/^ {2}pool5 ([a-z]+)/gm), ([, name]) => name ?? '');
    return `Expected a stage, got ${stage === '' ? 'none' : `"${stage}"`}.${nearest(stage, stages, '')}`;
  }
  const missing = /^Missing required argument: (.+)$/.exec(message)?.[1];
  if (missing !== undefined) return `Expected --${missing}, got nothing. See pool5 ${stage} --help.`;
  if (message.startsWith('Not enough non-option arguments')) {
    return `Expected one argument more after ${stage}, got nothing. See pool5 ${stage} --help.`;
  }
  return `${message.replace(/\.?$/, '.')} See pool5 ${stage} --help.`;
}

function nearest(name: string, known: readonly string[], prefix: string): string {
  const [near] = known.toSorted((a, b) => distance(name, a) - distance(name, b));
  return near !== undefined && distance(name, near) <= 3 ? ` Did you mean ${prefix}${near}?` : ' See pool5 --help.';
}

const cli = yargs(hideBin(process.argv))
  .scriptName('pool5')
  .locale('en')
  .usage('$0 <stage>\n\nReads a number off a photograph: features once, heads in seconds.')
  .option('json', {
    type: 'boolean',
    default: false,
    describe: 'Print the summary as one JSON object on stdout',
    global: true,
  })
  .option('quiet', { type: 'boolean', default: false, describe: 'No progress and no messages', global: true })
  .option('debug', { type: 'boolean', default: false, describe: 'Show a stack trace with an error', global: true })
  .strict()
  .demandCommand(1, 'no stage')
  .wrap(Math.min(100, process.stdout.columns ?? 80))
  .fail((message, error) => {
    throw error ?? new UsageError(message);
  });

add(
  'sample',
  'Draw pictures of tigers and cats with their lengths, to try pool5 on',
  async () => (await import('./sample.js')).stage,
);
add('download', 'Download pictures from lists of addresses', async () => (await import('./download.js')).stage);
add('label', 'Make, join or check labels', async () => (await import('./label.js')).stage);
add(
  'extract',
  'Compute the pool5 features of a folder of photographs',
  async () => (await import('./extract.js')).stage,
);
add('inspect', 'Describe, verify or compare a cache', async () => (await import('./inspect.js')).stage);
add('train', 'Train a head on cached features and a table of labels', async () => (await import('./train.js')).stage);
add('sweep', 'Train many heads and compare them', async () => (await import('./sweep.js')).stage);
add('predict <image..>', 'Read the number off photographs', async () => (await import('./predict.js')).stage);
add('report', 'Make a page about a run to look at', async () => (await import('./report.js')).stage);
add('tutorial', 'The tutorial from start to end', async () => (await import('./tutorial.js')).stage);
add(
  'doctor',
  'Look at this machine: engines, memory, disk, and what to do about problems',
  async () => (await import('./doctor.js')).stage,
);

add('export', 'Write a head for other programs', async () => (await import('./export.js')).stage);
add('runs [runs..]', 'List runs, or compare two', async () => (await import('./runs.js')).stage);

try {
  await cli.parseAsync();
} catch (error) {
  const message = error instanceof UsageError ? await usageMessage(error.message) : errorMessage(error);
  process.stderr.write(`pool5: ${message}\n`);
  if (process.argv.includes('--debug') && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exitCode = error instanceof Pool5Error ? error.exitCode : 1;
  if (error instanceof InterruptedError) {
    setTimeout(() => die(error.exitCode === 143 ? 'SIGTERM' : 'SIGINT'), LAST_WAIT).unref();
  }
}
