#!/usr/bin/env node
import { distance } from 'fastest-levenshtein';
import yargs, { type Argv } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { errorMessage, Pool5Error } from '../pipeline/errors.js';
import { nodeEffects } from '../pipeline/terminal/effects.js';
import type { CamelCased, Stage } from './stage.js';

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interruption.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
    interruption.abort(signal);
  });
}

/** Registers a stage whose code loads only when it runs or shows its help. */
function add<Options, Summary extends object>(
  command: string,
  description: string,
  load: () => Promise<Stage<Options, Summary>>,
): void {
  cli.command<Options>(
    command,
    description,
    async (inner) => (await load()).options(inner),
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

/** yargs names unknown flags in its message only; adds the declared one that is nearest to each. */
function withSuggestion(message: string, inner: Argv): string {
  const unknown = /^Unknown arguments?: (.+)$/.exec(message)?.[1]?.split(', ');
  if (unknown === undefined) return message;
  const declared = Object.keys(inner.parsed === false ? {} : inner.parsed.aliases).filter((name) => name.length > 1);
  const lines = unknown.map((name) => {
    const near = declared.toSorted((a, b) => distance(name, a) - distance(name, b))[0];
    const hint = near !== undefined && distance(name, near) <= 3 ? ` Did you mean --${near}?` : ' See --help.';
    return `Expected a known option, got --${name}.${hint}`;
  });
  return [...new Set(lines)].join('\n');
}

class UsageError extends Pool5Error {
  readonly exitCode = 2;
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
  .recommendCommands()
  .demandCommand(1, 'Expected a stage, got none. See pool5 --help.')
  .wrap(Math.min(100, process.stdout.columns ?? 80))
  .fail((message, error, inner) => {
    throw error ?? new UsageError(withSuggestion(message, inner));
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
  process.stderr.write(`pool5: ${errorMessage(error)}\n`);
  if (process.argv.includes('--debug') && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exitCode = error instanceof Pool5Error ? error.exitCode : 1;
}
