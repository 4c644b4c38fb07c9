import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { errorCode, errorMessage, WorldError } from '../errors.js';
import { processRuns } from './process-runs.js';

const HOST = hostname().replaceAll(/[^\w-]/g, '_');

/** The whole UUID, since some of its groups look like a process id, and a host's name may hold anything. */
const TEMPORARY = /^\.tmp-(?<host>[\w-]+)-(?<pid>\d+)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A temporary file is left behind for good when it has not changed for this long (milliseconds). */
const ABANDONED = 10 * 60 * 1000;

/**
 * Writes a file whole or not at all: temporary name, fsync, rename, fsync of the folder.
 * @param data in parts where a whole would be longer than a string or a buffer may be; each is one write
 * @throws WorldError where the disk is full, the folder is read-only, and the like
 */
export async function writeAtomically(path: string, data: Uint8Array | string | AsyncIterable<string>): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.tmp-${HOST}-${process.pid}-${randomUUID()}`);
  try {
    await mkdir(folder, { recursive: true });
    const file = await open(temporary, 'wx');
    try {
      await writeFile(file, data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeFault(error, path);
  }
}

/** Makes a rename in the folder last. Windows cannot open folders and needs no such call. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Deletes what killed processes left half written in the folder. */
export async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const owner = TEMPORARY.exec(name)?.groups;
    if (owner === undefined) continue;
    const path = join(folder, name);
    const stats = await stat(path).catch(() => undefined);
    if (stats === undefined) continue;
    // A process id may have been given to another process since, hence the age also here.
    const old = Date.now() - stats.mtimeMs > ABANDONED;
    const abandoned = old || (owner['host'] === HOST && !processRuns(Number(owner['pid']), stats.mtimeMs));
    if (abandoned) await rm(path, { force: true }).catch(() => undefined); // it is no harm where it may not be removed
  }
}

/** Whether a write failed for want of permission, as in a read-only folder. */
export function isDenied(error: unknown): boolean {
  return error instanceof WorldError && ['EROFS', 'EACCES', 'EPERM'].includes(errorCode(error.cause) ?? '');
}

/** A failed write as a person needs to hear it. */
export function writeFault(error: unknown, path: string): WorldError {
  const safe = 'Everything finished before is intact; run the same command again to go on.';
  switch (errorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new WorldError(`The disk that holds ${path} is full. Free some space. ${safe}`, { cause: error });
    case 'EFBIG':
      return new WorldError(`${path} grew past the largest file that is allowed here (ulimit -f). ${safe}`, {
        cause: error,
      });
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return new WorldError(`No permission to write ${path}. Give a folder that you may write to. ${safe}`, {
        cause: error,
      });
    default:
      return new WorldError(`Cannot write ${path}: ${errorMessage(error)}. ${safe}`, { cause: error });
  }
}
