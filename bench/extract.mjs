// How fast is the stack, and extract, beside the machine's limit and beside Python's libraries? `make bench`.
//
// Engines and peers take turns in each round, on the same decoded pictures and then on the same files; peers run where
// --python has them (`make bench-peers`) and with pool5's own weights. Prints Markdown, saves bench/.work/extract.json,
// and with --write puts the table into BENCHMARKS.md.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildGraph } from '../dist/pipeline/backbone/engines/onnx/graph.js';
import { openWeights } from '../dist/pipeline/backbone/weights/open.js';
import { findImages } from '../dist/pipeline/images/find.js';
import { decodePixels } from '../dist/pipeline/images/pixels.js';
import { PACKAGE_ROOT } from '../dist/pipeline/package-root.js';
import { engineContestants, GFLOP } from './extract/engines.mjs';
import { describeMachine } from './extract/machine.mjs';
import { extractLines, writeSection } from './extract/page.mjs';
import { peakContestants } from './extract/peak.mjs';
import { openPeers } from './extract/peers.mjs';
import { summarize } from './extract/statistics.mjs';
import { CLI, runCommand } from './extract/command.mjs';
import { timeExtract, wholeContestants } from './extract/whole.mjs';

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: join(PACKAGE_ROOT, 'data/sample') },
    count: { type: 'string', default: '240' },
    rounds: { type: 'string', default: '7' },
    'file-rounds': { type: 'string', default: '3' },
    python: { type: 'string', default: join(PACKAGE_ROOT, '.venv-bench/bin/python') },
    write: { type: 'boolean', default: false },
  },
});

/** Pictures that are decoded already; a timing takes each once. */
const DECODED = 32;

const scratch = mkdtempSync(join(tmpdir(), 'pool5-bench-'));
const machine = describeMachine();
const weights = await openWeights(undefined);
const paths = await choosePhotographs();
const pixels = Buffer.concat(
  await Promise.all(paths.slice(0, DECODED).map((path) => decodePixels(readFileSync(path)))),
);
const files = {
  pixels: join(scratch, 'pixels.u8'),
  photographs: join(scratch, 'photographs'),
  model: join(scratch, 'vgg16.onnx'),
  scratch,
};
writeFileSync(files.pixels, pixels);
writeFileSync(files.model, await buildGraph(weights));

const peers = await openPeers(values.python, files);
const peakers = await peakContestants(scratch, availableParallelism());
const engines = await engineContestants(weights, pixels, scratch);
const rates = await alternate([...peakers, ...engines, ...peers], 'measure', Number(values.rounds));
const differences = new Map([...engines, ...peers].map(({ name }) => [name, differenceOf(name)]));
for (const each of [...peakers, ...engines]) await each.close?.();

const extracts = wholeContestants(files.photographs, scratch);
const fileRates = await alternate([...extracts, ...peers], 'measureFiles', Number(values['file-rounds']));
for (const peer of peers) await peer.close();

const one = join(scratch, 'one');
mkdirSync(one);
symlinkSync(resolve(paths[0]), join(one, 'photograph.jpg'));
const starts = {
  help: await thrice(() => runCommand(CLI, ['--help'])),
  first: await thrice(() => timeExtract(one, join(scratch, 'features'), [])),
};

const peaks = peakers.map(({ name }) => ({ name, best: Math.max(...rates.get(name)) }));
const peak = Math.max(...peaks.map(({ best }) => best));
const median = (of, { name }) => summarize(of.get(name)).median;
/** NaN, printed as "-", where no peer ran. */
const fastest = (of) => (peers.length === 0 ? NaN : Math.max(...peers.map((peer) => median(of, peer))));
const result = {
  machine,
  command: 'make bench ARGS=--write',
  rounds: { decoded: values.rounds, files: values['file-rounds'] },
  gflop: GFLOP,
  peaks,
  decoded: [...engines, ...peers].map((each) => ({
    name: each.name,
    description: each.description,
    rate: summarize(rates.get(each.name)),
    share: (median(rates, each) * GFLOP) / peak,
    ratio: median(rates, each) / fastest(rates),
    difference: differences.get(each.name),
  })),
  whole: [...extracts, ...peers].map((each) => ({
    name: each.name,
    rate: summarize(fileRates.get(each.name)),
    engine: each.engine?.() ?? each.description,
    share: each.isPeer
      ? median(fileRates, each) / median(rates, each)
      : summarize(each.shares(bareRate).filter(Number.isFinite)).median,
    ratio: median(fileRates, each) / fastest(fileRates),
    start: each.start ?? summarize(each.starts()).median,
    megabytes: each.megabytes(),
    held: each.held?.() ?? null,
  })),
  images: paths.length,
  starts,
  rates: Object.fromEntries(rates),
  fileRates: Object.fromEntries(fileRates),
};
rmSync(scratch, { recursive: true });
mkdirSync(join(PACKAGE_ROOT, 'bench/.work'), { recursive: true });
writeFileSync(join(PACKAGE_ROOT, 'bench/.work/extract.json'), `${JSON.stringify(result, undefined, 2)}\n`);
const lines = extractLines(result);
console.log(lines.join('\n'));
if (values.write) writeSection('extract', lines);

/** Images/s of the engine so described, without all else; NaN where it was not timed. */
function bareRate(engine) {
  const timed = engines.find(({ description }) => description === engine);
  return timed === undefined ? NaN : median(rates, timed);
}

/** Links to photographs from all over the folder, in a folder of their own. */
async function choosePhotographs() {
  const { images } = await findImages(values.images);
  const jpegs = images.filter(({ id }) => /\.jpe?g$/i.test(id));
  const count = Math.min(Number(values.count), jpegs.length);
  if (count < DECODED) throw new Error(`Expected ${DECODED} JPEG files or more, got ${count} (${values.images}).`);
  mkdirSync(join(scratch, 'photographs'));
  return Array.from({ length: count }, (_, i) => {
    const { path } = jpegs[Math.floor((i * jpegs.length) / count)];
    symlinkSync(resolve(path), join(scratch, 'photographs', `${i}.jpg`));
    return path;
  });
}

/** What each contestant's `method` gives in each round; the first round warms up and does not count. */
async function alternate(contestants, method, rounds) {
  const results = new Map(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const each of contestants) {
      const value = await each[method]();
      if (round > 0) results.get(each.name).push(value);
    }
    console.error(`${method}: round ${round} of ${rounds}`);
  }
  return results;
}

/** How far the features of the decoded pictures are from those of pool5's first engine: relative, L2. */
function differenceOf(name) {
  const [mine, others] = [engines[0].name, name].map(
    (each) => new Float32Array(readFileSync(join(scratch, `features-${each}.f32`)).buffer.slice(0)),
  );
  let [square, all] = [0, 0];
  for (const [i, value] of others.entries()) {
    square += (value - mine[i]) ** 2;
    all += mine[i] ** 2;
  }
  return Math.sqrt(square / all);
}

/** Median of the seconds that three runs take. */
async function thrice(run) {
  const times = [];
  for (let i = 0; i < 3; i++) times.push((await run()).seconds);
  return summarize(times).median;
}
