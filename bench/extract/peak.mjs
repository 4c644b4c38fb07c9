import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { PACKAGE_ROOT } from '../../dist/pipeline/package-root.js';

/**
 * What measures the machine's float32 multiply-add peak: peak.c where there is a C compiler; a product of two matrices
 * in onnxruntime, which comes close to it from below, besides.
 * @returns contestants whose `measure` gives GFLOP/s
 */
export async function peakContestants(scratch, threads) {
  const product = await matrixProduct(threads);
  const loop = compiledLoop(scratch, threads);
  return loop === undefined ? [product] : [loop, product];
}

function compiledLoop(scratch, threads) {
  const binary = join(scratch, 'peak');
  const options = ['-O3', '-march=native', '-ffp-contract=fast', '-pthread'];
  const name = `fused multiply-adds in registers (cc ${options.join(' ')})`;
  try {
    execFileSync('cc', [...options, '-o', binary, join(PACKAGE_ROOT, 'bench/extract/peak.c')], { stdio: 'pipe' });
  } catch (error) {
    console.error(`No peak from a C program: ${error.message.split('\n')[0]}`);
    return undefined;
  }
  return { name, measure: async () => Number(execFileSync(binary, [String(threads)], { encoding: 'utf8' })) };
}

const SIDE = 2048;

async function matrixProduct(threads) {
  const { onnx } = onnxProto;
  const value = (name) => ({
    name,
    type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: SIDE }, { dimValue: SIDE }] } } },
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
  const tensor = new Tensor('float32', new Float32Array(SIDE * SIDE).fill(0.5), [SIDE, SIDE]);
  return {
    name: `product of two ${SIDE} x ${SIDE} matrices in onnxruntime`,
    async measure() {
      let best = Infinity;
      for (let i = 0; i < 3; i++) {
        const started = performance.now();
        await session.run({ a: tensor, b: tensor });
        best = Math.min(best, performance.now() - started);
      }
      return (2 * SIDE ** 3) / best / 1e6;
    },
    close: () => session.release(),
  };
}
