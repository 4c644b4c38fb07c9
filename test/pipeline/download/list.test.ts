import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readList, readLists } from '../../../pipeline/download/list.js';
import { InputError } from '../../../pipeline/errors.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pool5-lists-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(name: string, content: string | Uint8Array): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
}

describe('readList', () => {
  it('reads an address a line: comments, blank lines, Windows line ends, stray spaces, repeats, a byte order mark', async () => {
    const text =
      '\uFEFF# tigers\r\n\r\n  http://a.test/1.jpg \r\nhttp://a.test/2.jpg#top # blurred\r\n\thttp://a.test/1.jpg\r\n';
    const list = await readList(await fileOf('tiger.txt', text));
    expect(list).toMatchObject({ name: 'tiger', repeated: 1 });
    expect(list.addresses.map(({ address, url, list: of }) => [of, address, url?.href])).toEqual([
      ['tiger', 'http://a.test/1.jpg', 'http://a.test/1.jpg'],
      ['tiger', 'http://a.test/2.jpg#top', 'http://a.test/2.jpg#top'],
    ]);
  });

  it('asks a server of a Latin-1 list for the bytes that were listed, of a UTF-8 list for those of UTF-8', async () => {
    const latin1 = await readList(await fileOf('l.txt', Buffer.from('http://a.test/m\u00f6we.jpg\n', 'latin1')));
    expect(latin1.addresses.map(({ address, url }) => [address, url?.href])).toEqual([
      ['http://a.test/m%F6we.jpg', 'http://a.test/m%F6we.jpg'],
    ]);
    const utf8 = await readList(await fileOf('u.txt', 'http://a.test/m\u00f6we.jpg\n'));
    expect(utf8.addresses.map(({ address, url }) => [address, url?.href])).toEqual([
      ['http://a.test/m\u00f6we.jpg', 'http://a.test/m%C3%B6we.jpg'],
    ]);
  });

  it('reads the column url of csv and tsv, and carries the others along', async () => {
    const csv = await readList(await fileOf('a.csv', 'id,URL,note\n1,"http://a.test/a,b.jpg",x\n2,,y\n'));
    expect(csv.addresses.map(({ address, columns }) => [address, columns])).toEqual([
      ['http://a.test/a,b.jpg', { id: '1', note: 'x' }],
    ]);
    const tsv = await readList(
      await fileOf('a.tsv', Buffer.from('url\tname\nhttp://a.test/1.jpg\tl\u00f6we\n', 'latin1')),
    );
    expect(tsv.addresses.map(({ address, columns }) => [address, columns])).toEqual([
      ['http://a.test/1.jpg', { name: 'l\u00f6we' }],
    ]);
  });

  it('reads jsonl with objects and strings', async () => {
    const list = await readList(
      await fileOf('a.jsonl', '{"url":"http://a.test/1.jpg","n":3,"tags":["x"]}\n\n"http://a.test/2.jpg"\r\n'),
    );
    expect(list.addresses.map(({ address, columns }) => [address, columns])).toEqual([
      ['http://a.test/1.jpg', { n: '3', tags: '["x"]' }],
      ['http://a.test/2.jpg', {}],
    ]);
  });

  it('takes files and paths from the folder of the list, and nothing of other schemes', async () => {
    const lines = [
      'file:///tmp/x.jpg',
      'photos/a b.jpg',
      '../c.jpg',
      'ftp://a.test/1.jpg',
      'javascript:alert(1)',
      'http://',
    ];
    const list = await readList(await fileOf('paths.txt', lines.join('\n')));
    expect(list.addresses.map(({ url }) => url?.href)).toEqual([
      'file:///tmp/x.jpg',
      pathToFileURL(join(folder, 'photos/a b.jpg')).href,
      pathToFileURL(join(folder, '../c.jpg')).href,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('never names a folder that is hidden or above', async () => {
    const lists = await Promise.all(
      ['...txt', '.hidden.txt', '.....'].map(async (name) => readList(await fileOf(name, 'http://a.test/1.jpg'))),
    );
    expect(lists.map(({ name }) => name)).toEqual(['list', 'hidden', 'list']);
  });

  it.each([
    ['empty.txt', '# nothing\n\n', 'Expected at least one address, got none (FILE).'],
    ['no-url.csv', 'image,link\na,http://a.test/\n', 'Expected a column url, got image, link (FILE).'],
    ['bad.jsonl', '"http://a.test/1.jpg"\n{"url":\n', 'Expected a JSON object with a url, got {"url": (FILE, line 2).'],
    ['other.jsonl', '{"link":"x"}\n', 'Expected a JSON object with a url, got {"link":"x"} (FILE, line 1).'],
  ])('refuses %s', async (name, content, message) => {
    const file = await fileOf(name, content);
    await expect(readList(file)).rejects.toThrow(new InputError(message.replace('FILE', file)));
  });

  it('refuses a missing list and two lists of one name', async () => {
    const absent = join(folder, 'absent.txt');
    await expect(readLists([absent])).rejects.toThrow(
      new InputError(`Expected a list of addresses, got no such file (${absent}).`),
    );
    await mkdir(join(folder, 'other'));
    const [one, two] = [await fileOf('cats.txt', 'http://a.test/'), await fileOf('other/Cats.txt', 'http://a.test/')];
    await expect(readLists([one, two])).rejects.toThrow(
      new InputError(
        `Expected lists with names of their own, got "Cats" for ${one} and ${two}. Rename one of the files.`,
      ),
    );
  });
});
