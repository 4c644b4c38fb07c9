import { basename, dirname, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { parseDelimited } from '../labels/delimited.js';
import { readNamedFile } from '../labels/read.js';

export interface ListedAddress {
  /** Name of the list, which is the name of its folder. */
  readonly list: string;
  /** As listed, without spaces around it; bytes beyond ASCII of a Latin-1 list as %XX. */
  readonly address: string;
  /** What is fetched: http:, https: or file:; undefined where the address is none of them. */
  readonly url: URL | undefined;
  /** The list's other columns. */
  readonly columns: Readonly<Record<string, string>>;
}

export interface AddressList {
  readonly name: string;
  readonly file: string;
  /** Each address once, in the list's order. */
  readonly addresses: readonly ListedAddress[];
  /** Lines whose address stands above already. */
  readonly repeated: number;
}

interface Line {
  readonly address: string;
  readonly columns: Readonly<Record<string, string>>;
}

const JSON_LINE = z.union([z.string().transform((url) => ({ url })), z.looseObject({ url: z.string() })]);

/**
 * Text of a list. One that is not UTF-8 is read as Latin-1, and its letters beyond ASCII become %XX of the byte that
 * was listed: that is what its server was asked for when the list was made.
 */
function decode(bytes: Uint8Array): { text: string; latin1: boolean } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), latin1: false };
  } catch {
    return { text: Buffer.from(bytes).toString('latin1'), latin1: true };
  }
}

function withBytesEscaped(address: string): string {
  return address.replaceAll(/[\u0080-\u00ff]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
}

function textLines(text: string): Line[] {
  const addresses = text.split(/\r\n|\n|\r/).map((line) => line.replace(/(^|\s)#.*$/, '').trim());
  return addresses.filter((address) => address !== '').map((address) => ({ address, columns: {} }));
}

function tableLines(file: string, text: string): Line[] {
  const table = parseDelimited(file, text);
  const column = table.columns.find((name) => name.toLowerCase() === 'url');
  if (column === undefined) {
    throw new InputError({ expected: 'a column url', found: table.columns.join(', '), where: file });
  }
  return table.rows.flatMap((row) => {
    const { [column]: address = '', ...columns } = row.columns;
    return address === '' ? [] : [{ address, columns }];
  });
}

function jsonLines(file: string, text: string): Line[] {
  return text.split(/\r\n|\n|\r/).flatMap((line, index): Line[] => {
    if (line.trim() === '') return [];
    let parsed;
    try {
      parsed = JSON_LINE.safeParse(JSON.parse(line));
    } catch {
      parsed = undefined;
    }
    if (!parsed?.success) {
      const where = `${file}, line ${index + 1}`;
      throw new InputError({ expected: 'a JSON object with a url', found: line.trim().slice(0, 60), where });
    }
    const { url, ...others } = parsed.data;
    const cells = Object.entries(others).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]);
    return [{ address: url.trim(), columns: Object.fromEntries(cells) }];
  });
}

/** A path counts from the list's own folder. */
function urlOf(address: string, folder: string): URL | undefined {
  try {
    const url = /^[a-z][a-z0-9+.-]+:/i.test(address) ? new URL(address) : pathToFileURL(resolve(folder, address));
    return ['http:', 'https:', 'file:'].includes(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

/** A folder's name: never hidden, never a step up. */
function nameOf(file: string): string {
  return basename(file, extname(file)).replace(/^\.+/, '') || 'list';
}

/**
 * Reads a list of addresses: .csv and .tsv with a column `url`, .jsonl with objects that have one, any other text with
 * an address a line (blank lines and # comments skipped). UTF-8 or Latin-1, any line ends.
 * @throws InputError for no such file, no address in it, a table without `url`, a line that is not JSON
 */
export async function readList(file: string): Promise<AddressList> {
  const { text, latin1 } = decode(await readNamedFile(file, 'a list of addresses'));
  const ending = extname(file).toLowerCase();
  const lines =
    ending === '.csv' || ending === '.tsv'
      ? tableLines(file, text)
      : ending === '.jsonl' || ending === '.ndjson'
        ? jsonLines(file, text)
        : textLines(text);
  if (lines.length === 0) {
    throw new InputError({ expected: 'at least one address', found: 'none', where: file });
  }
  const name = nameOf(file);
  const addresses = new Map<string, ListedAddress>();
  for (const { address: listed, columns } of lines) {
    const address = latin1 ? withBytesEscaped(listed) : listed;
    if (addresses.has(address)) continue;
    addresses.set(address, { list: name, address, url: urlOf(address, dirname(file)), columns });
  }
  return { name, file, addresses: [...addresses.values()], repeated: lines.length - addresses.size };
}

/** @throws InputError as readList does, and where two lists would share a folder */
export async function readLists(files: readonly string[]): Promise<AddressList[]> {
  const lists = await Promise.all(files.map((file) => readList(file)));
  for (const [index, { name, file }] of lists.entries()) {
    const before = lists.slice(0, index).find((list) => list.name.toLowerCase() === name.toLowerCase());
    if (before !== undefined) {
      const found = `"${name}" for ${before.file} and ${file}`;
      throw new InputError({ expected: 'lists with names of their own', found, fix: 'Rename one of the files.' });
    }
  }
  return lists;
}
