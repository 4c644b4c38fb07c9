import { execFile } from 'node:child_process';
import { PACKAGE_ROOT } from '../package-root.js';
import type { Check } from './check.js';

/** What a program run for doctor came to. */
export interface Outcome {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** Set where a signal ended it (an illegal instruction, say) or it never began. */
  readonly ending: string | undefined;
}

export type Run = (program: string, args: readonly string[]) => Promise<Outcome>;

const TIMEOUT = 60_000;

/** Runs a program to its end, whatever that is. */
export function runProgram(program: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((done) => {
    execFile(program, [...args], { cwd: PACKAGE_ROOT, timeout: TIMEOUT }, (error, stdout, stderr) => {
      const ending =
        error === null ? undefined : (error.signal ?? (typeof error.code === 'string' ? error.code : undefined));
      done({ ok: error === null, stdout: stdout.trim(), stderr: stderr.trim(), ending });
    });
  });
}

/** An ONNX model (version 13) that adds its one float, x, to itself. */
const DOUBLE = 'CAgSADo1Cg4KAXgKAXgSAXkiA0FkZBIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEA0=';

/**
 * Each engine's library, tried in a process of its own: an addon that meets an unknown instruction kills its process,
 * and what libraries log must not mix with what doctor says. Each computes something, since some load and cannot.
 */
const PROBES = {
  onnx: `const { InferenceSession, Tensor, env } = (await import('onnxruntime-node')).default;
    const session = await InferenceSession.create(Buffer.from('${DOUBLE}', 'base64'));
    const { y } = await session.run({ x: new Tensor('float32', [3], [1]) });
    if (y.data[0] !== 6) throw new Error('3 + 3 = ' + y.data[0]);
    console.log('onnxruntime-node ' + env.versions.node);`,
  tensorflow: (name: string) => `import util from 'node:util';
    util.isNullOrUndefined ??= (value) => value === null || value === undefined;
    const tf = (await import('@tensorflow/${name}')).default;
    const [product] = tf.matMul([[2]], [[3]]).dataSync();
    if (product !== 6) throw new Error('2 x 3 = ' + product);
    console.log('@tensorflow/${name} ' + tf.version['tfjs-node'] + (tf.backend().isUsingGpuDevice ? ', GPU' : ', CPU'));`,
  wasm: `const tf = await import('@tensorflow/tfjs-core');
    const wasm = await import('@tensorflow/tfjs-backend-wasm');
    await tf.setBackend('wasm');
    const [product] = tf.matMul([[2]], [[3]]).dataSync();
    if (product !== 6) throw new Error('2 x 3 = ' + product);
    console.log('@tensorflow/tfjs-backend-wasm ' + wasm.version_wasm);`,
};

/** The line that says why: the error's own, not the stack around it. */
export function reasonOf({ stderr, ending }: Outcome): string {
  const line = stderr.split('\n').find((each) => /^\s*(?:\w*Error\b|\[?.*Error: )/.test(each));
  const reason = line?.trim().replace(/^(?:\w*Error)(?: \[\w+\])?: /, '') ?? stderr.split('\n').at(-1)?.trim() ?? '';
  const short = reason.length > 160 ? `${reason.slice(0, 159)}…` : reason;
  return (
    [ending === undefined ? '' : `ended by ${ending}`, short].filter((each) => each !== '').join(': ') ||
    'no reason given'
  );
}

async function probe(run: Run, name: string, code: string): Promise<Check> {
  const outcome = await run(process.execPath, ['--input-type=module', '--eval', code]);
  const found = outcome.ok ? (outcome.stdout.split('\n').at(-1) ?? '') : `does not load: ${reasonOf(outcome)}`;
  return { name, status: outcome.ok ? 'ok' : 'note', found };
}

function mended(check: Check, status: Check['status'], fix: string): Check {
  return check.status === 'ok' ? check : { ...check, status, fix };
}

/** Which engines load, and why others do not. */
export async function engineChecks(run: Run = runProgram): Promise<Check[]> {
  const onnx = await probe(run, 'Engine onnx', PROBES.onnx);
  const gpu = await probe(run, 'Engine tensorflow (GPU)', PROBES.tensorflow('tfjs-node-gpu'));
  const cpu = await probe(run, 'Engine tensorflow (CPU)', PROBES.tensorflow('tfjs-node'));
  const wasm = await probe(run, 'Engine wasm', PROBES.wasm);
  return [
    mended(onnx, 'problem', 'Run npm ci again on this machine: heads are trained with it. extract can do with wasm.'),
    mended(gpu, 'note', 'Only for NVIDIA GPUs: make gpu gets it.'),
    mended(cpu, 'note', 'Not needed: onnx is the default on a CPU. make native gets it.'),
    mended(wasm, 'problem', 'Run npm ci again: heads are saved with it.'),
  ];
}

/** NVIDIA GPUs, as the driver's own tool lists them. */
export async function gpuCheck(run: Run = runProgram): Promise<Check> {
  const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader'];
  const outcome = await run('nvidia-smi', query);
  if (outcome.ok && outcome.stdout !== '')
    return { name: 'GPU', status: 'ok', found: outcome.stdout.split('\n').join('; ') };
  if (outcome.ending === 'ENOENT')
    return { name: 'GPU', status: 'note', found: "none that NVIDIA's driver knows (no nvidia-smi)" };
  const fix = 'Repair the driver, or work without: pool5 needs no GPU.';
  return { name: 'GPU', status: 'warning', found: `nvidia-smi fails: ${reasonOf(outcome)}`, fix };
}
