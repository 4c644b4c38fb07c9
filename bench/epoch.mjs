// How long is an epoch? `make bench-epoch`, after `make build`.
//
// 800 photographs' features (drawn at random: time does not depend on them), batches of 32, the tutorial's head
// 25088 -> 256 -> 1 and RMSProp, in the span of the features and over all of them, and Keras beside it where
// PEER_PYTHON names a Python with TensorFlow.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fullCoordinates, spanCoordinates } from '../dist/pipeline/head/coordinates.js';
import { initialWeights } from '../dist/pipeline/head/dense.js';
import { fit } from '../dist/pipeline/head/fit.js';
import { extendGram, Gram } from '../dist/pipeline/head/gram.js';
import { normalNumbers, uniformStream } from '../dist/pipeline/head/random.js';
import { PRESETS } from '../dist/pipeline/head/settings.js';
import { PACKAGE_ROOT } from '../dist/pipeline/package-root.js';
import { useWasm } from '../dist/pipeline/tensorflow/wasm.js';
import { table } from '../dist/pipeline/terminal/table.js';

const PHOTOGRAPHS = 800;
const FEATURES = 25088;

await useWasm();
const digests = Array.from({ length: PHOTOGRAPHS }, (_, index) => String(index).padStart(4, '0'));
const uniform = uniformStream(1, 'features');
const rows = new Map(
  digests.map((digest) => [digest, Float32Array.from({ length: FEATURES }, () => Math.max(0, 60 * (uniform() - 0.7)))]),
);
const folder = mkdtempSync(join(tmpdir(), 'pool5-bench-'));
const cache = {
  folder,
  images: new Map(digests.map((digest) => [digest, digest])),
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
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Milliseconds of one epoch: the median, without the first. */
async function epochTime(coordinates, epochs) {
  const { history } = await fit({
    initial: initialWeights(coordinates.width, FEATURES, settings.hidden, 1),
    train: { count: PHOTOGRAPHS, width: coordinates.width, rows: coordinates.rows(digests), targets },
    validation: null,
    settings: { ...settings, epochs },
    signal: new AbortController().signal,
  });
  return median(history.slice(1).map(({ milliseconds }) => milliseconds));
}

const result = [];
let started = performance.now();
const gram = await extendGram(new Gram([], new Float64Array(), new Float64Array()), cache, digests);
const span = spanCoordinates(cache, gram, digests, settings);
const spanTime = performance.now() - started;
result.push(['pool5, span: getting Z, once a cache', spanTime.toFixed(0)]);
const inSpan = await epochTime(span, 31);
result.push([`pool5, span (${span.width} wide): an epoch`, inSpan.toFixed(1)]);
const inFull = await epochTime(await fullCoordinates(cache, digests, digests, settings), 4);
result.push(['pool5, all 25,088 features: an epoch', inFull.toFixed(0)]);

const python = process.env.PEER_PYTHON ?? '';
if (python === '') {
  console.error('Without Keras: `make bench-peers` gets it.');
} else {
  for (const width of [FEATURES, PHOTOGRAPHS]) {
    const output = execFileSync(python, [join(PACKAGE_ROOT, 'bench/epoch_keras.py'), String(width)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' },
    });
    const { version, milliseconds } = JSON.parse(output.trim().split('\n').at(-1));
    result.push([`Keras ${version}, ${width.toLocaleString('en')} wide: an epoch`, milliseconds.toFixed(0)]);
    if (width === FEATURES) {
      result.push(['  times an epoch of pool5 in the span', (milliseconds / inSpan).toFixed(1)]);
      result.push(['  epochs in the time of getting Z', (spanTime / milliseconds).toFixed(1)]);
    }
  }
}
rmSync(folder, { recursive: true });
console.log(table(result, { head: ['800 photographs, batches of 32', 'ms'], right: [1] }));
