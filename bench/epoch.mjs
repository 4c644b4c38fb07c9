// How long is an epoch? `make bench-epoch`, after `make bench-peers` for Keras and `make native` for tfjs-node.
//
// 800 photographs' features (drawn at random: time does not depend on them), batches of 32, the tutorial's head
// 25088 -> 256 -> 1 and RMSProp, in the span of the features and over all of them; beside it Keras where PEER_PYTHON
// names a Python with TensorFlow, and tfjs-node where its native part is built. Kept in bench/.work/epoch.json.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { basename, join } from 'node:path';
import { fullCoordinates, spanCoordinates } from '../dist/pipeline/head/coordinates.js';
import { initialWeights } from '../dist/pipeline/head/dense.js';
import { fit } from '../dist/pipeline/head/fit.js';
import { extendGram, Gram } from '../dist/pipeline/head/gram.js';
import { normalNumbers, uniformStream } from '../dist/pipeline/head/random.js';
import { PRESETS } from '../dist/pipeline/head/settings.js';
import { PACKAGE_ROOT } from '../dist/pipeline/package-root.js';
import { table } from '../dist/pipeline/terminal/table.js';

const PHOTOGRAPHS = 800;
const FEATURES = 25088;

const digests = Array.from({ length: PHOTOGRAPHS }, (_, index) => String(index).padStart(4, '0'));
const uniform = uniformStream(1, 'features');
const rows = new Map(
  digests.map((digest) => [digest, Float32Array.from({ length: FEATURES }, () => Math.max(0, 60 * (uniform() - 0.7)))]),
);
const cache = {
  async *rows(wanted) {
    // They are asked for in order.
    for (const digest of wanted) yield { digest, feature: Float32Array.from(rows.get(digest)) };
  },
};
const targets = normalNumbers(PHOTOGRAPHS, 1, 1, 'targets');
const settings = {
  ...PRESETS.default,
  hidden: [256],
  dropout: 0,
  normalize: 'none',
  optimizer: 'rmsprop',
  refit: false,
  patience: null,
};

/** Milliseconds of one epoch: the median, without the first. */
async function epochTime(coordinates, epochs) {
  const { history } = await fit({
    initial: initialWeights(coordinates.width, FEATURES, settings.hidden, 1),
    train: {
      width: coordinates.width,
      targets,
      rows: (indices) => coordinates.rows(Array.from(indices, (index) => digests[index])),
    },
    validation: null,
    settings: { ...settings, epochs },
    signal: new AbortController().signal,
  });
  const times = history.slice(1).map(({ milliseconds }) => milliseconds);
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];
}

const started = performance.now();
const gram = await extendGram(new Gram([], new Float64Array(), new Float64Array()), cache, digests);
const span = await spanCoordinates(cache, gram, digests, settings);
const gettingZ = performance.now() - started;
const full = await fullCoordinates(cache, digests, settings);
const epochs = {
  'pool5, span': await epochTime(span, 31),
  'pool5, all 25,088 features': await epochTime(full, 4),
};

/** What a program prints as JSON; undefined where it does not start. */
function peer(command, ...args) {
  try {
    const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' };
    const output = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env });
    return JSON.parse(output.trim().split('\n').at(-1));
  } catch (error) {
    const reason = error.stderr?.split('\n').find((line) => /^\w*Error/.test(line)) ?? error.message;
    console.error(`Without ${basename(args[0])}: ${reason}`);
    return undefined;
  }
}

const python = process.env.PEER_PYTHON ?? '';
if (python === '') console.error('Without Keras: `make bench-peers` gets it.');
for (const [name, command, script] of [
  ['Keras', python, 'epoch_keras.py'],
  ['tfjs-node', process.execPath, 'epoch_tfjs_node.mjs'],
]) {
  for (const width of [FEATURES, PHOTOGRAPHS]) {
    const found = command === '' ? undefined : peer(command, join(PACKAGE_ROOT, 'bench', script), String(width));
    if (found === undefined) break;
    epochs[`${name} ${found.version}, ${width.toLocaleString('en')} wide`] = found.milliseconds;
  }
}

const inSpan = epochs['pool5, span'];
const lines = Object.entries(epochs).map(([name, time]) => [name, time.toFixed(1), `${(time / inSpan).toFixed(1)} x`]);
console.log(table(lines, { head: ['800 photographs, batches of 32', 'ms an epoch', ''], right: [1, 2] }));
const ofFull = (gettingZ / epochs['pool5, all 25,088 features']).toFixed(1);
console.log(`Getting Z took ${gettingZ.toFixed(0)} ms, once a cache: the time of ${ofFull} epochs over all features.`);
const work = join(PACKAGE_ROOT, 'bench/.work');
mkdirSync(work, { recursive: true });
const machine = `${cpus().length} x ${cpus()[0]?.model}`;
const result = { machine, node: process.version, photographs: PHOTOGRAPHS, batch: 32, gettingZ, epochs };
writeFileSync(join(work, 'epoch.json'), `${JSON.stringify(result, undefined, 2)}\n`);
