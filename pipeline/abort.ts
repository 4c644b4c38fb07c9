/** The promise's value, or undefined as soon as the signal is aborted; what the promise does then is nobody's concern. */
export async function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value | undefined> {
  promise.catch(() => undefined);
  let stop: (() => void) | undefined;
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}
