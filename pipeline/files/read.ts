import { createReadStream } from 'node:fs';
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

/** More than a line of any file of ours has (characters): a damaged one without line ends must not fill the memory. */
const LONGEST = 1024 * 1024;

/**
 * The lines of a text file of any size, without their line feeds; none where there is no file. They end at line feeds
 * alone: node:readline ends them at U+2028 too, which JSON leaves as it is in a photograph's name. A line of more than
 * LONGEST characters is damage and comes in pieces.
 * @throws WorldError where it exists and cannot be read
 */
export async function* readLines(path: string): AsyncGenerator<string, void, undefined> {
  let rest = '';
  try {
    for await (const part of createReadStream(path, 'utf8')) {
      const lines = String(part).split('\n');
      lines[0] = rest + String(lines[0]);
      rest = lines.pop() ?? '';
      yield* lines;
      if (rest.length <= LONGEST) continue;
      yield rest;
      rest = '';
    }
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw readFault(error, path);
  }
  if (rest !== '') yield rest;
}

/** A failed read as a person needs to hear it. */
export function readFault(error: unknown, path: string): WorldError {
  const denied = ['EACCES', 'EPERM'].includes(errorCode(error) ?? '');
  const what = denied ? `No permission to read ${path}` : `Cannot read ${path}: ${errorMessage(error)}`;
  return new WorldError(`${what}. Nothing was changed.`, { cause: error });
}
