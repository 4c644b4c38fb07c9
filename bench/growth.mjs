// What happens as pictures become more? `make bench-growth`.
//
// Draws samples of each size, and times in processes of their own: the drawing; the first look at a new folder; all of
// extract but the stack (bench/growth/stand-in.mjs); the same look when all is there; extract with the stack on a part
// of about --part pictures; then training and a report, up to --most labels. Samples are kept in bench/.work/growth.
// Prints Markdown, saves bench/.work/growth.json, and with --write puts it into BENCHMARKS.md.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PACKAGE_ROOT } from '../dist/pipeline/package-root.js';
import { CLI, runCommand } from './extract/command.mjs';
import { describeMachine } from './extract/machine.mjs';
import { writeSection } from './extract/page.mjs';
import { timeExtract } from './extract/whole.mjs';
import { growthLines } from './growth/page.mjs';

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '240,2400,24000' },
    heads: { type: 'string', default: '240,600,1200,2400' },
    part: { type: 'string', default: '240' },
    work: { type: 'string', default: join(PACKAGE_ROOT, 'bench/.work/growth') },
    write: { type: 'boolean', default: false },
  },
});

const sizes = values.sizes.split(',').map(Number);
const STAND_IN = join(PACKAGE_ROOT, 'bench/growth/stand-in.mjs');
mkdirSync(values.work, { recursive: true });
const sampleOf = (size) => join(values.work, `sample-${size}`);
const featuresOf = (size) => join(values.work, `features-${size}`);

/** Seconds, memory and summary of pool5 ARGS. */
const pool5 = (...args) => runCommand(CLI, [...args, '--json']);

const machine = describeMachine();
const steps = [];
for (const size of sizes) steps.push(await growTo(size));
const largest = Math.max(...sizes);
const heads = [];
for (const count of values.heads.split(',').map(Number)) {
  if (count <= largest) heads.push(await trainOn(count));
}
const command = 'make bench-growth ARGS=--write';
const result = { machine, command, part: Number(values.part), steps, heads, rate: extractRate() };
writeFileSync(join(values.work, '../growth.json'), `${JSON.stringify(result, undefined, 2)}\n`);
const lines = growthLines(result);
console.log(lines.join('\n'));
if (values.write) writeSection('growth', lines);

async function growTo(size) {
  const [sample, features] = [sampleOf(size), featuresOf(size)];
  rmSync(features, { recursive: true, force: true });
  const drawn = await draw(size, sample);
  const first = await pool5('extract', '--images', sample, '--features', features, '--plan');
  const all = await runCommand(STAND_IN, [sample, features]);
  const again = await pool5('extract', '--images', sample, '--features', features);
  const shard = ['--shard', `1/${Math.min(256, Math.max(1, Math.floor(size / Number(values.part))))}`];
  const stack = await timeExtract(sample, join(values.work, 'stack'), shard);
  console.error(`${size}: ${JSON.stringify(all.summary)}`);
  return {
    size,
    drawn,
    pictureBytes: bytesBelow(sample).bytes / size,
    first: pick(first),
    all: { ...all.summary, ...pick(all) },
    again: pick(again),
    stack: { ...pick(stack), rate: stack.rate, computed: stack.summary.computed, engine: stack.summary.engine },
    cache: bytesBelow(features),
    indexBytes: statSync(join(all.summary.folder, 'images.jsonl')).size,
  };
}

/** A sample that was drawn before keeps the time that it took. */
async function draw(size, sample) {
  const record = `${sample}.json`;
  const run = await pool5('sample', '--out', sample, '--count', String(size), '--seed', '1');
  if (run.summary.drawn > 0) writeFileSync(record, JSON.stringify(pick(run)));
  return JSON.parse(readFileSync(record, 'utf8'));
}

/** Trains on the first photographs of the largest cache, anew: the products that span and ridge need are not kept. */
async function trainOn(count) {
  const labels = join(values.work, `labels-${count}.csv`);
  const rows = readFileSync(join(sampleOf(largest), 'labels.csv'), 'utf8')
    .trimEnd()
    .split('\n');
  const every = (rows.length - 1) / count;
  const chosen = Array.from({ length: count }, (_, i) => rows[1 + Math.floor(i * every)]);
  writeFileSync(labels, `${[rows[0], ...chosen].join('\n')}\n`);
  const features = featuresOf(largest);
  rmSync(join(steps.at(-1).all.folder, 'span'), { recursive: true, force: true });
  const artifacts = join(values.work, 'artifacts');
  rmSync(artifacts, { recursive: true, force: true });
  const options = ['--labels', labels, '--features', features, '--artifacts', artifacts];
  const train = await pool5('train', ...options, '--id', 'image', '--column', 'length_cm');
  const report = await pool5('report', '--artifacts', artifacts, '--features', features);
  console.error(`${count} labels: ${JSON.stringify(train.summary.seconds)}`);
  return {
    count,
    train: { ...pick(train), parts: train.summary.seconds, width: train.summary.width, epochs: train.summary.epochs },
    report: { ...pick(report), bytes: report.summary.bytes },
  };
}

/** Pictures/s of extract as make bench found it, else of the fastest part here. */
function extractRate() {
  try {
    const bench = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'bench/.work/extract.json'), 'utf8'));
    return bench.whole[0].rate.median;
  } catch {
    return Math.max(...steps.map(({ stack }) => stack.rate));
  }
}

function pick({ seconds, cpu, megabytes, held }) {
  return { seconds, cpu, megabytes, held };
}

function bytesBelow(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return {
    files: files.length,
    bytes: files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0),
  };
}
