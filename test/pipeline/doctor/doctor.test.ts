import { arch } from 'node:os';
import { describe, expect, it } from 'vitest';
import { engineChecks, gpuCheck, reasonOf, runProgram, type Outcome } from '../../../pipeline/doctor/engines.js';
import { coresCheck, diskCheck, instructionsCheck, memoryCheck, nodeCheck } from '../../../pipeline/doctor/machine.js';
import { quotaOf } from '../../../pipeline/machine.js';
import { weightsCheck } from '../../../pipeline/doctor/weights.js';

const failed = (stderr: string, ending?: string): Outcome => ({ ok: false, stdout: '', stderr, ending });

describe('the machine', () => {
  it('wants the Node that package.json names', () => {
    const found = `v20.18.3, ${process.platform} ${arch()}`;
    expect(nodeCheck('v20.18.3', '>=20.19')).toEqual({
      name: 'Node',
      status: 'problem',
      found,
      fix: 'Install Node 20.19 or later.',
    });
    expect(nodeCheck('v20.19.0', '>=20.19').status).toBe('ok');
    expect(nodeCheck('v24.1.0', '>=20.19').status).toBe('ok');
  });

  it("reads a container's quota", () => {
    expect([quotaOf('150000 100000\n'), quotaOf('max 100000\n'), quotaOf('')]).toEqual([1.5, null, null]);
    expect(coresCheck(2, 'EPYC', 1.5)).toMatchObject({
      status: 'warning',
      found: '2, EPYC; a quota allows 1.5 of them',
    });
    expect(coresCheck(2, 'EPYC', 2)).toEqual({ name: 'Cores', status: 'ok', found: '2, EPYC' });
  });

  it('lists the instruction sets that matter', () => {
    const cpuinfo = 'processor : 0\nflags\t\t: fpu avx sse4_2 avx2 fma\nflags\t\t: other\n';
    expect(instructionsCheck(cpuinfo, 'x64')).toEqual({
      name: 'Instructions',
      status: 'ok',
      found: 'sse4_2 avx avx2 fma',
    });
    expect(instructionsCheck('flags : sse4_2\n', 'x64').status).toBe('warning');
    expect(instructionsCheck('Features : fp asimd asimddp\n', 'arm64')).toMatchObject({
      status: 'ok',
      found: 'asimd asimddp',
    });
    expect(instructionsCheck('', 'arm64')).toMatchObject({
      status: 'note',
      found: 'arm64; the system does not list them',
    });
  });

  it('warns where memory or disk is short, and says what fits', () => {
    expect(memoryCheck(8e9, 5e8)).toMatchObject({ status: 'warning', found: '0.5 GB of 8.0 GB available' });
    expect(memoryCheck(64e9, 5e9).status).toBe('ok');
    expect(diskCheck('features', 100_352_000)).toMatchObject({
      status: 'warning',
      found: '0.1 GB free for features: features of 1,000 photographs',
    });
    expect(diskCheck('features', 2e9).status).toBe('ok');
  });
});

const answer = (outcome: Outcome) => gpuCheck(() => Promise.resolve(outcome));

describe('engines', () => {
  it('really loads and runs those that npm ci brings', async () => {
    const [onnx, , , wasm] = await engineChecks();
    expect(onnx).toEqual({
      name: 'Engine onnx',
      status: 'ok',
      found: expect.stringMatching(/^onnxruntime-node \d+\.\d+\.\d+$/),
    });
    expect(wasm).toEqual({
      name: 'Engine wasm',
      status: 'ok',
      found: expect.stringMatching(/^@tensorflow\/tfjs-backend-wasm 4\./),
    });
  });

  it('says why others do not, and what to do', async () => {
    const checks = await engineChecks((_, [, , code = '']) =>
      Promise.resolve(
        code.includes('onnxruntime')
          ? failed('', 'SIGILL')
          : failed('noise\nError: The addon is missing\n    at Module._load'),
      ),
    );
    expect(checks.map(({ status, found }) => [status, found])).toEqual([
      ['problem', 'does not load: ended by SIGILL'],
      ['note', 'does not load: The addon is missing'],
      ['note', 'does not load: The addon is missing'],
      ['problem', 'does not load: The addon is missing'],
    ]);
    expect(checks.every(({ fix }) => fix !== undefined)).toBe(true);
  });

  it('gives the reason in one line', () => {
    const stack = "file:///x.js:3\nthrow\nError [ERR_MODULE_NOT_FOUND]: Cannot find package 'x'\n    at y";
    expect(reasonOf(failed(stack))).toBe("Cannot find package 'x'");
    expect(reasonOf(failed(''))).toBe('no reason given');
    expect(reasonOf(failed(`Error: ${'x'.repeat(400)}`))).toHaveLength(160);
  });

  it('runs a program to whatever end', async () => {
    expect(await runProgram(process.execPath, ['-e', 'process.kill(process.pid, "SIGKILL")'])).toMatchObject({
      ok: false,
      ending: 'SIGKILL',
    });
    expect(await runProgram('no-such-program', [])).toMatchObject({ ok: false, ending: 'ENOENT' });
    expect(await runProgram(process.execPath, ['-p', '1'])).toEqual({
      ok: true,
      stdout: '1',
      stderr: '',
      ending: undefined,
    });
  });

  it('asks the driver for GPUs', async () => {
    expect(await answer({ ok: true, stdout: 'H100, 80 GB, 550', stderr: '', ending: undefined })).toEqual({
      name: 'GPU',
      status: 'ok',
      found: 'H100, 80 GB, 550',
    });
    expect((await answer(failed('', 'ENOENT'))).status).toBe('note');
    expect(await answer(failed('NVIDIA-SMI has failed'))).toMatchObject({
      status: 'warning',
      found: 'nvidia-smi fails: NVIDIA-SMI has failed',
    });
  });
});

describe('weights', () => {
  it('knows the embedded ones by the digest of their tensors', async () => {
    const found = 'embedded VGG16 (float16), digest b436d216aaced47c';
    expect(await weightsCheck()).toEqual({ name: 'Weights', status: 'ok', found });
  });

  it('notices others, and a file that is not there', async () => {
    const fix = 'Get the file again: git checkout, or npm ci.';
    const other = await weightsCheck('random:1');
    expect(other).toMatchObject({ status: 'problem', fix });
    expect(other.found).toMatch(/^random:1, digest [0-9a-f]{16}, not b436d216aaced47c$/);
    expect(await weightsCheck('nowhere.npy')).toMatchObject({
      status: 'problem',
      found: 'Expected a file of weights, or random:SEED, got no such file (nowhere.npy). Check --weights.',
    });
  });
});
