import { readFile } from 'node:fs/promises';
import { errorCode, errorMessage, WorldError } from '../errors.js';

/**
 * A text file; undefined where there is none.
 * @throws WorldError where it exists and cannot be read
 */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw readFault(error, path);
  }
}

/** A failed read as a person needs to hear it. */
export function readFault(error: unknown, path: string): WorldError {
  const denied = ['EACCES', 'EPERM'].includes(errorCode(error) ?? '');
  const what = denied ? `No permission to read ${path}` : `Cannot read ${path}: ${errorMessage(error)}`;
  return new WorldError(`${what}. Nothing was changed.`, { cause: error });
}
