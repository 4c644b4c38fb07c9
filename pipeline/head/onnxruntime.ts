import type { InferenceSession } from 'onnxruntime-node';
import { errorMessage, WorldError } from '../errors.js';

export interface Opened {
  readonly runtime: typeof import('onnxruntime-node');
  readonly session: InferenceSession;
}

/**
 * Opens a model in onnxruntime, which is loaded when something is trained: a saved head predicts also where it does not
 * load.
 * @throws WorldError where it does not
 */
export async function openSession(model: Uint8Array): Promise<Opened> {
  try {
    const runtime = await import('onnxruntime-node');
    // With one thread, sums have one order and equal settings give equal bits; a sweep fills the other cores.
    const options = { intraOpNumThreads: 1, interOpNumThreads: 1 };
    return { runtime, session: await runtime.InferenceSession.create(model, options) };
  } catch (cause) {
    throw new WorldError(`onnxruntime-node does not load: ${errorMessage(cause)}.`, { cause });
  }
}
