// How fast is the stack, and how near the machine's limit? `make bench`, after `make build`.
//
// Measures the float32 multiply-add peak of all cores (peak.c where there is a C compiler, and a large matrix product
// in onnxruntime), each engine and graph, and Keras, PyTorch and OpenVINO where PEER_PYTHON names a Python that has
// them. All take turns in each round, so that whatever else runs hits them alike; medians are reported. Then extract
// from files to a cache, and the peers from the same files; then memory and start-up. IMAGES names the photographs.
// Prints Markdown and saves all numbers as JSON.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { buildGraph } from '../dist/pipeline/backbone/engines/onnx/graph.js';
import { openEngine } from '../dist/pipeline/backbone/engines/open.js';
import { IMAGE_BYTES, IMAGE_SIZE, STACK } from '../dist/pipeline/backbone/vgg16.js';
import { openWeights } from '../dist/pipeline/backbone/weights/open.js';
import { findImages } from '../dist/pipeline/images/find.js';
import { PACKAGE_ROOT } from '../dist/pipeline/package-root.js';

const ROUNDS = Number(process.env.ROUNDS ?? 7);
const PICTURES = 32; // a timing
const IMAGES = process.env.IMAGES ?? join(PACKAGE_ROOT, 'data/sample');
const CLI = join(PACKAGE_ROOT, 'dist/stages/cli.js');
const threads = availableParallelism();
const scratch = mkdtempSync(join(tmpdir(), 'pool5-bench-'));
const run = promisify(execFile);

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
const fixed = (value, digits = 1) => (Number.isFinite(value) ? value.toFixed(digits) : '-');

/** Billions of multiplications and additions of the direct stack for a picture. */
const GFLOP = (() => {
  let size = IMAGE_SIZE;
  let sum = 0;
  for (const layer of STACK) {
    if (layer.kind === 'pool') size /= 2;
    else sum += 2 * 9 * layer.inputs * layer.outputs * size * size * 1e-9;
  }
  return sum;
})();

function nativePeak() {
  const binary = join(scratch, 'peak');
  try {
    const options = ['-O3', '-march=native', '-ffp-contract=fast', '-pthread', '-o', binary];
    execFileSync('cc', [...options, join(PACKAGE_ROOT, 'bench/peak.c')], { stdio: 'pipe' });
    return Number(execFileSync(binary, [String(threads)], { encoding: 'utf8' }));
  } catch (error) {
    console.error(`No peak without a C compiler: ${error.message.split('\n')[0]}`);
    return NaN;
  }
}

/** A product of two matrices of 2048 x 2048, as a MatMul of its own (bytes of an ONNX model built by hand below). */
async function matmulPeak() {
  const { default: onnxProto } = await import('onnx-proto');
  const { onnx } = onnxProto;
  const n = 2048;
  const value = (name) => ({
    name,
    type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: n }, { dimValue: n }] } } },
  });
  const model = onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'product',
      node: [{ opType: 'MatMul', input: ['a', 'b'], output: ['c'] }],
      input: [value('a'), value('b')],
      output: [value('c')],
    },
  }).finish();
  const session = await InferenceSession.create(model, { intraOpNumThreads: threads });
  const tensor = new Tensor('float32', new Float32Array(n * n).fill(0.5), [n, n]);
  let best = Infinity;
  for (let i = 0; i < 6; i++) {
    const started = performance.now();
    await session.run({ a: tensor, b: tensor });
    best = Math.min(best, performance.now() - started);
  }
  await session.release();
  return (2 * n ** 3) / best / 1e6;
}

const weights = await openWeights(undefined);
const pixels = Uint8Array.from({ length: 4 * IMAGE_BYTES }, (_, i) => 127 + 90 * Math.sin(i / 31 + (i % 3)));

/** A contestant: seconds for `pictures` pictures that are decoded already. */
async function ownContestant(name, engineName, options) {
  try {
    const engine = await openEngine(engineName, weights, options);
    return {
      name,
      description: engine.description,
      pictures: engineName === 'wasm' ? 2 : PICTURES,
      async seconds() {
        const batch = pixels.subarray(0, engine.batchSize * IMAGE_BYTES);
        const started = performance.now();
        for (let done = 0; done < this.pictures; done += engine.batchSize) {
          await engine.run(batch.length === engine.batchSize * IMAGE_BYTES ? batch : pixels);
        }
        return (performance.now() - started) / 1000;
      },
      close: () => engine.close(),
    };
  } catch (error) {
    console.error(`without ${name}: ${error.message}`);
    return undefined;
  }
}

/** A peer in a process of its own (TensorFlow and PyTorch do not bear each other in one); undefined where it is not there. */
async function openPeer(python, name, model) {
  const child = spawn(python, [join(PACKAGE_ROOT, 'bench/stack_peers.py'), name], {
    env: { ...process.env, POOL5_ONNX: model },
    stdio: ['pipe', 'pipe', process.env.DEBUG ? 'inherit' : 'ignore'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${name} ended; DEBUG=1 shows why.`);
    return JSON.parse(value);
  };
  const ask = async (line) => {
    child.stdin.write(`${line}\n`);
    return next();
  };
  const version = (await next())[name];
  if (version === undefined) {
    console.error(`without ${name}: ${python} has none`);
    child.stdin.end();
    return undefined;
  }
  return {
    name,
    description: version,
    pictures: PICTURES,
    isPeer: true,
    seconds: async () => (await ask(`pixels ${name} ${PICTURES}`)).seconds,
    files: (folder) => ask(`files ${name} ${folder}`),
    close: async () => child.stdin.end(),
  };
}

async function openPeers() {
  const python = process.env.PEER_PYTHON ?? '';
  if (python === '') {
    console.error('Without peers: no PEER_PYTHON (make bench-peers makes one).');
    return [];
  }
  const model = join(scratch, 'vgg16.onnx');
  writeFileSync(model, buildGraph(weights));
  const peers = [];
  for (const name of ['keras', 'torch', 'openvino']) peers.push(await openPeer(python, name, model));
  return peers.filter((each) => each !== undefined);
}

/** A new process that runs this and tells its peak memory (MB) and how long it took to open the engine. */
async function memoryOf(engineName, options) {
  const code = `const started = performance.now();
    const { openWeights } = await import('${PACKAGE_ROOT}/dist/pipeline/backbone/weights/open.js');
    const { openEngine } = await import('${PACKAGE_ROOT}/dist/pipeline/backbone/engines/open.js');
    const engine = await openEngine('${engineName}', await openWeights(undefined), ${JSON.stringify(options)});
    const opened = performance.now() - started;
    for (let i = 0; i < 3; i++) await engine.run(new Uint8Array(engine.batchSize * ${IMAGE_BYTES}));
    await engine.close();
    console.log(JSON.stringify({ opened, megabytes: process.resourceUsage().maxRSS / 1000 }));`;
  const file = join(scratch, 'memory.mjs');
  writeFileSync(file, code);
  const { stdout } = await run(process.execPath, [file]);
  return JSON.parse(stdout);
}

/** Loaded before the command line, tells the process's peak memory (KB) as it ends. */
const TELL_PEAK =
  'data:text/javascript,process.on("exit",()=>process.stderr.write(`peak ${process.resourceUsage().maxRSS} `))';

async function extract(options, repeat) {
  const rates = [];
  let megabytes = 0;
  for (let i = 0; i < repeat; i++) {
    const features = join(scratch, 'features');
    const args = ['extract', '--images', IMAGES, '--features', features, '--json', '--quiet', ...options];
    const { stdout, stderr } = await run(process.execPath, ['--import', TELL_PEAK, CLI, ...args]);
    const { computed, seconds } = JSON.parse(stdout);
    rates.push(computed / seconds);
    megabytes = Math.max(megabytes, Number(/peak (\d+)/.exec(stderr)?.[1]) / 1000);
    rmSync(features, { recursive: true });
  }
  return { imagesPerSecond: median(rates), megabytes };
}

const machine = {
  cpu: cpus()[0]?.model,
  cores: threads,
  memoryGB: Math.round(totalmem() / 1e9),
  node: process.version,
  loadBefore: loadavg()[0],
};
const peak = { native: nativePeak(), matmul: await matmulPeak() };
const best = Math.max(peak.native || 0, peak.matmul);

const peers = await openPeers();
const contestants = [
  await ownContestant('onnx', 'onnx', {}),
  await ownContestant('onnx, Winograd', 'onnx', { graph: 'winograd' }),
  await ownContestant('onnx, int8', 'onnx', { graph: 'int8' }),
  await ownContestant('tensorflow', 'tensorflow', {}),
  await ownContestant('wasm', 'wasm', {}),
  ...peers,
].filter((each) => each !== undefined);
for (const each of contestants) each.rates = [];
for (let round = -1; round < ROUNDS; round++) {
  for (const each of contestants) {
    const seconds = await each.seconds();
    if (round >= 0) each.rates.push(each.pictures / seconds); // the first warms up
  }
}
for (const each of contestants) if (!each.isPeer) await each.close();
const fastestPeer = Math.max(0, ...peers.map((each) => median(each.rates)));
const engines = contestants.map((each) => {
  const rate = median(each.rates);
  return {
    name: each.name,
    description: each.description,
    imagesPerSecond: rate,
    shareOfPeak: (rate * GFLOP) / best,
    ratio: fastestPeer === 0 ? null : rate / fastestPeer,
  };
});

const count = (await findImages(IMAGES)).images.length;
const whole = [
  { name: 'pool5 extract', bare: 'onnx, Winograd', ...(await extract([], 3)) },
  { name: 'pool5 extract --precision int8', bare: 'onnx, int8', ...(await extract(['--precision', 'int8'], 3)) },
];
for (const { name, files } of peers) {
  const rates = [];
  for (let i = 0; i < 2; i++) {
    const { images, seconds } = await files(IMAGES);
    rates.push(images / seconds);
  }
  whole.push({ name, imagesPerSecond: Math.max(...rates) });
}
for (const peer of peers) await peer.close();
const fastestWhole = Math.max(
  0,
  ...whole.filter((each) => each.bare === undefined).map((each) => each.imagesPerSecond),
);
for (const each of whole) {
  const bare = engines.find((engine) => engine.name === each.bare);
  each.shareOfEngine = bare === undefined ? null : each.imagesPerSecond / bare.imagesPerSecond;
  each.ratio = fastestWhole === 0 ? null : each.imagesPerSecond / fastestWhole;
}

const memory = [];
for (const [name, engineName, options] of [
  ['onnx', 'onnx', {}],
  ['onnx, Winograd', 'onnx', { graph: 'winograd' }],
  ['onnx, int8', 'onnx', { graph: 'int8' }],
]) {
  memory.push({ name, ...(await memoryOf(engineName, options)) });
}
const helpTimes = [];
for (let i = 0; i < 5; i++) {
  const started = performance.now();
  await run(process.execPath, [CLI, '--help']);
  helpTimes.push(performance.now() - started);
}

machine.loadAfter = loadavg()[0];
const result = { machine, date: new Date().toISOString(), gflop: GFLOP, peak, images: count, engines, whole, memory };
result.helpMilliseconds = median(helpTimes);
mkdirSync(join(PACKAGE_ROOT, 'artifacts'), { recursive: true });
const file = join(PACKAGE_ROOT, 'artifacts/bench-stack.json');
writeFileSync(file, `${JSON.stringify(result, undefined, 2)}\n`);
rmSync(scratch, { recursive: true });

const row = (...cells) => `| ${cells.join(' | ')} |`;
const lines = [
  `${machine.cpu}, ${threads} cores, ${machine.memoryGB} GB, Node ${machine.node}; load ${fixed(machine.loadBefore, 2)} before.`,
  `Peak: ${fixed(peak.native, 0)} GFLOP/s (C, all cores), ${fixed(peak.matmul, 0)} (2048 x 2048 product in onnxruntime). The stack: ${GFLOP.toFixed(1)} GFLOP.`,
  '',
  row('Decoded pictures', 'images/s', 'of the peak', 'to the fastest peer', 'what'),
  row('---', '--:', '--:', '--:', '---'),
  ...engines.map(({ name, imagesPerSecond, shareOfPeak, ratio, description }) =>
    row(
      name,
      fixed(imagesPerSecond),
      `${fixed(100 * shareOfPeak, 0)}%`,
      ratio === null ? '-' : fixed(ratio, 2),
      description,
    ),
  ),
  '',
  row(`From ${count} files`, 'images/s', 'of the bare engine', 'to the fastest peer', 'peak MB'),
  row('---', '--:', '--:', '--:', '--:'),
  ...whole.map(({ name, imagesPerSecond, shareOfEngine, ratio, megabytes }) =>
    row(
      name,
      fixed(imagesPerSecond),
      shareOfEngine === null ? '-' : `${fixed(100 * shareOfEngine, 0)}%`,
      ratio === null ? '-' : fixed(ratio, 2),
      megabytes === undefined ? '-' : fixed(megabytes, 0),
    ),
  ),
  '',
  row('Engine alone', 'opens in ms (weights read)', 'peak MB'),
  row('---', '--:', '--:'),
  ...memory.map(({ name, opened, megabytes }) => row(name, fixed(opened, 0), fixed(megabytes, 0))),
  '',
  `pool5 --help: ${fixed(result.helpMilliseconds, 0)} ms. All numbers: ${file}`,
];
console.log(lines.join('\n'));
