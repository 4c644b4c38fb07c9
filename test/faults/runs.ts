import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { LookupFunction } from 'node:net';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { DownloadOptions } from '../../pipeline/download/download.js';

/** DNS that knows no name, so that no question leaves this machine. */
export const noNames: LookupFunction = (hostname, _, callback) => {
  callback(Object.assign(new Error(`no ${hostname}`), { code: 'ENOTFOUND' }), []);
};

/** Effects that show nothing. */
export function quiet(signal = new AbortController().signal) {
  return { progress: () => ({ update: () => undefined, stop: () => undefined }), signal };
}

/** Options for a server next door: short waits. */
export function settings(out: string, others: Partial<DownloadOptions> = {}): DownloadOptions {
  return {
    out,
    perList: Infinity,
    concurrency: 32,
    perHost: 3,
    timeout: 0.4,
    retries: 2,
    backoff: 0.02,
    maxBytes: 1_000_000,
    minSide: 32,
    placeholderFrom: 3,
    allowPrivate: true,
    honourOptOut: true,
    retryFailed: false,
    ...others,
  };
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Writes a list with Windows line ends, blank lines and stray spaces. */
export async function listFile(folder: string, name: string, addresses: readonly string[]): Promise<string> {
  const file = join(folder, `${name}.txt`);
  await writeFile(file, `# ${name}\r\n${addresses.join('  \r\n\r\n')}`);
  return file;
}

/** The rows of a download's status.csv. */
export async function statusOf(out: string): Promise<Record<string, string>[]> {
  return parse<Record<string, string>>(await readFile(join(out, 'status.csv')), { columns: true });
}

/** address -> status */
export async function statuses(out: string): Promise<Record<string, string>> {
  return Object.fromEntries((await statusOf(out)).map(({ address = '', status = '' }) => [address, status]));
}
