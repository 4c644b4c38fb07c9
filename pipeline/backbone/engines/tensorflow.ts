import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import util from 'node:util';
import { findBackend, getBackend, setBackend, version_core as version } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { errorMessage, WorldError } from '../../errors.js';
import type { Weights } from '../weights/weights.js';
import type { Engine } from './engine.js';
import { buildStack } from './tfjs-stack.js';

const BACKEND = 'tensorflow';

const PACKAGES = [
  { name: '@tensorflow/tfjs-node-gpu', target: 'make gpu' },
  { name: '@tensorflow/tfjs-node', target: 'make native' },
] as const;

const nodeBackendSchema = z.object({
  isUsingGpuDevice: z.boolean(),
  binding: z.object({ TF_Version: z.string() }),
});

interface Addon {
  readonly name: string;
  readonly gpu: boolean;
  /** Version of libtensorflow. */
  readonly library: string;
}

/**
 * TensorFlow through its Node addon, on a GPU where it finds one. Its threads are one pool for the whole process, as
 * many as there are cores, whatever EngineOptions say.
 * @throws WorldError where neither package's native part loads
 */
export async function openTensorflow(weights: Weights): Promise<Engine> {
  const before: string | undefined = getBackend();
  const { name, gpu, library } = loadAddon();
  const stack = buildStack(BACKEND, weights);
  if (before !== undefined) await setBackend(before); // the package sets its own as it loads
  return {
    name: 'tensorflow',
    description: `${name} ${version}, libtensorflow ${library}, ${gpu ? 'GPU' : 'CPU'}`,
    batchSize: gpu ? 32 : 4,
    run: (pixels) => stack.run(pixels),
    close: async () => stack.dispose(),
  };
}

function loadAddon(): Addon {
  restoreRemovedUtilities();
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2'; // errors only: notes about the CPU's instructions would mix with progress
  const require = createRequire(import.meta.url);
  const reasons: string[] = [];
  for (const { name, target } of PACKAGES) {
    try {
      // A package loads its addon only after it has registered its kernels, which the next would register once more.
      const addon = addonIn(dirname(require.resolve(`${name}/package.json`)));
      if (addon === undefined) throw new Error('its native part is not built');
      require(addon);
      require(name);
      const { isUsingGpuDevice: gpu, binding } = nodeBackendSchema.parse(findBackend(BACKEND));
      return { name, gpu, library: binding.TF_Version };
    } catch (error) {
      reasons.push(`${name}: ${errorMessage(error).split('\n')[0]} (${target})`);
    }
  }
  throw new WorldError(
    `TensorFlow does not load. ${reasons.join('; ')}. ` +
      'Run the target named for the one you want, or use --engine onnx.',
  );
}

/** The addon's file, which lies in a folder named for its version of Node-API. */
function addonIn(folder: string): string | undefined {
  const lib = join(folder, 'lib');
  if (!existsSync(lib)) return undefined;
  const found = readdirSync(lib, { recursive: true }).find((path) => String(path).endsWith('tfjs_binding.node'));
  return found === undefined ? undefined : join(lib, String(found));
}

/** Node 23 removed functions that the packages call in nearly every op. */
function restoreRemovedUtilities(): void {
  const removed = {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  };
  for (const [name, implementation] of Object.entries(removed)) {
    if (!(name in util)) Object.defineProperty(util, name, { value: implementation, configurable: true });
  }
}
