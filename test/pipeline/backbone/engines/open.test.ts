import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WorldError } from '../../../../pipeline/errors.js';
import type { Engine } from '../../../../pipeline/backbone/engines/engine.js';
import { openEngine, openGpu, type GpuSearch } from '../../../../pipeline/backbone/engines/open.js';
import { openWeights } from '../../../../pipeline/backbone/weights/open.js';

const HERE = [import.meta.filename];

/** An engine that says what it is and counts how often it is closed. */
function engine(description: string): Engine & { closed: number } {
  return {
    name: 'tensorflow',
    description,
    batchSize: 1,
    closed: 0,
    run: () => Promise.reject(new Error('not to be run')),
    async close() {
      this.closed++;
    },
  };
}

/** A device that is there and a TensorFlow that does not open. */
function failing(error: Error): GpuSearch {
  const open = async (): Promise<Engine> => {
    throw error;
  };
  return { devices: HERE, open };
}

describe('auto', () => {
  it('takes TensorFlow where it runs on a GPU', async () => {
    const gpu = engine('tfjs-node-gpu 4.22.0, libtensorflow 2.21.0, GPU');
    await expect(openGpu({ devices: ['/absent', ...HERE], open: async () => gpu })).resolves.toBe(gpu);
    expect(gpu.closed).toBe(0);
  });

  it('does not load TensorFlow where the driver shows no device', async () => {
    await expect(openGpu({ ...failing(new Error('loaded')), devices: ['/absent/nvidia0'] })).resolves.toBeUndefined();
  });

  it('closes a TensorFlow that runs on the CPU and passes it over', async () => {
    const cpu = engine('tfjs-node 4.22.0, libtensorflow 2.21.0, CPU');
    await expect(openGpu({ devices: HERE, open: async () => cpu })).resolves.toBeUndefined();
    expect(cpu.closed).toBe(1);
  });

  it('passes over a TensorFlow that does not load, and no other fault', async () => {
    await expect(openGpu(failing(new WorldError('TensorFlow does not load.')))).resolves.toBeUndefined();
    await expect(openGpu(failing(new TypeError('a mistake of ours')))).rejects.toThrow('a mistake of ours');
  });

  it.skipIf(existsSync('/dev/nvidia0') || existsSync('/dev/dxg'))('names onnxruntime where no GPU is', async () => {
    const opened = await openEngine('auto', await openWeights(undefined), { threads: 1 });
    expect(opened.description).toMatch(/^onnxruntime-node [\d.]+, CPU, 1 thread$/);
    await opened.close();
  });
});

const folder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-node/package.json'));
const isBuilt = [folder, `${folder}-gpu`].some((each) => existsSync(join(each, 'lib')));

describe.skipIf(isBuilt)('tensorflow where no native part is built', () => {
  it('says why it does not load and how to get it', async () => {
    await expect(openEngine('tensorflow', await openWeights(undefined), {})).rejects.toThrow(
      new WorldError(
        'TensorFlow does not load. @tensorflow/tfjs-node-gpu: its native part is not built (make gpu); ' +
          '@tensorflow/tfjs-node: its native part is not built (make native). ' +
          'Run the target named for the one you want, or use --engine onnx.',
      ),
    );
  });
});
