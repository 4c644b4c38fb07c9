import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { ready, setBackend } from '@tensorflow/tfjs-core';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { WorldError } from '../errors.js';

let opened: Promise<void> | undefined;

async function open(): Promise<void> {
  const file = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(`${dirname(file)}/`);
  if (!(await setBackend('wasm'))) {
    throw new WorldError({
      expected: "TensorFlow.js's WebAssembly backend to start",
      found: 'a refusal',
      fix: 'Install the packages again (npm ci).',
    });
  }
  await ready();
}

/** Makes WebAssembly the backend of all TensorFlow.js operations in this thread; once. */
export function useWasm(): Promise<void> {
  opened ??= open();
  return opened;
}
