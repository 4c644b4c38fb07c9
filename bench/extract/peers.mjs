import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PACKAGE_ROOT } from '../../dist/pipeline/package-root.js';

/** Peers, a script each: TensorFlow and PyTorch do not bear each other in one process. */
const PEERS = ['keras', 'torch', 'openvino'];

/**
 * Starts each peer that the Python has; the others are named on stderr. Each stays open, so that it warms up once.
 * @param files {pixels, photographs, scratch, model}: paths, see bench/peers/peer.py
 */
export async function openPeers(python, files) {
  if (!existsSync(python)) {
    console.error(`Without Keras, PyTorch and OpenVINO: there is no ${python}; make bench-peers makes one.`);
    return [];
  }
  const peers = [];
  for (const name of PEERS) peers.push(await openPeer(python, name, files));
  return peers.filter((each) => each !== undefined);
}

async function openPeer(python, name, { pixels, photographs, scratch, model }) {
  const started = performance.now();
  const script = join(PACKAGE_ROOT, `bench/peers/${name}_peer.py`);
  const child = spawn(python, [script, pixels, photographs, scratch], {
    env: { ...process.env, POOL5_ONNX: model },
    stdio: ['pipe', 'pipe', process.env.DEBUG ? 'inherit' : 'ignore'],
  });
  child.stdin.on('error', () => undefined); // its end shows where its answer is read
  const ended = new Promise((resolve) => child.on('close', resolve));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${name} ended; DEBUG=1 shows why`);
    return JSON.parse(value);
  };
  let megabytes = 0;
  const ask = async (line) => {
    child.stdin.write(`${line}\n`);
    const reply = await next();
    megabytes = reply.megabytes;
    return reply.images / reply.seconds;
  };
  let hello;
  try {
    hello = await next();
  } catch (error) {
    console.error(`Without ${name}: ${error.message}`);
    return undefined;
  }
  const start = (performance.now() - started) / 1000;
  return {
    name,
    description: `${hello.version}, CPU, ${hello.threads} threads, batches of ${hello.batch}`,
    isPeer: true,
    /** Seconds from its process's start to the first picture's feature. */
    start,
    /** Images/s of decoded pictures. */
    measure: () => ask('pixels'),
    /** Images/s from files to files. */
    measureFiles: () => ask('files'),
    megabytes: () => megabytes,
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
