import { InterruptedError } from '../errors.js';

/** @throws InterruptedError once the signal is aborted */
export function throwIfInterrupted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new InterruptedError(
    signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT',
    'No run was saved; the features are safe. The same command starts again.',
  );
}
