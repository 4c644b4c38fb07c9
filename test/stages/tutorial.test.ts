import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readLabels } from '../../pipeline/labels/read.js';
import { PACKAGE_ROOT } from '../../pipeline/package-root.js';
import { listFile, statuses } from '../faults/runs.js';
import { type MisbehavingServer, startServer } from '../faults/start.js';

let server: MisbehavingServer;
let folder: string;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pool5-tutorial-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function tutorial(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const cli = join(PACKAGE_ROOT, 'dist/stages/cli.js');
  const child = spawn(process.execPath, [cli, 'tutorial', '--json', ...args], { cwd: folder });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const [code]: unknown[] = await once(child, 'close');
  return { code, ...output };
}

function url(path: string, host: number): string {
  return `http://127.0.0.${host}:${server.port}/${path}.jpg`;
}

const SUMMARY = z.object({
  pictures: z.enum(['lists', 'sample']),
  images: z.string(),
  labels: z.string(),
  histogram: z.string(),
  run: z.string(),
  predictions: z.string(),
  commands: z.array(z.string()),
});

async function formatOf(file: string): Promise<string | undefined> {
  return (await sharp(join(folder, file)).metadata()).format;
}

describe('pool5 tutorial', () => {
  it('goes from two lists of half-dead addresses to two lengths', async () => {
    const pictures = (name: string): string[] => [1, 2, 3, 4].map((index) => url(`ok/${index}/${name}`, index));
    const tigers = await listFile(folder, 'imagenet_tiger', [...pictures('tiger'), url('code/404/a', 1)]);
    const cats = await listFile(folder, 'kittycat', [...pictures('cat'), url('html/1/b', 1)]);
    const { code, stdout, stderr } = await tutorial('--list', tigers, '--list', cats, '--allow-private');
    expect([code, stderr]).toEqual([0, expect.stringContaining('download(): the pictures of the lists')]);
    const summary = SUMMARY.parse(JSON.parse(stdout));
    const { run, commands, ...rest } = summary;
    expect(rest).toEqual({
      pictures: 'lists',
      images: 'data/tutorial/photos',
      labels: 'data/tutorial/labels.csv',
      histogram: 'data/tutorial/lengths.png',
      predictions: 'data/tutorial/predictions.png',
    });
    expect(run).toMatch(/^tutorial-[0-9a-f]{8}$/);
    expect(commands.map((command) => command.split(' ')[1])).toEqual([
      'download',
      'label',
      'extract',
      'train',
      'predict',
    ]);
    expect(commands[1]).toBe(
      "pool5 label --images data/tutorial/photos --rule 'imagenet_tiger: normal(100,30) min 20' --rule 'kittycat: normal(40,8) min 10' --unit cm --seed 1 --out data/tutorial/labels.csv --picture data/tutorial/lengths.png",
    );
    expect(Object.values(await statuses(join(folder, summary.images))).filter((each) => each === 'ok')).toHaveLength(8);
    expect((await readLabels(join(folder, summary.labels))).rows).toHaveLength(8);
    expect([await formatOf(summary.histogram), await formatOf(summary.predictions)]).toEqual(['png', 'png']);
    expect(await readdir(join(folder, 'artifacts', run))).toContain('config.json');
  });

  it('says that no address answers, and goes on with the sample', async () => {
    const lists = await Promise.all(
      ['tiger', 'kittycat'].map((name) => listFile(folder, name, [`http://127.0.0.1:1/${name}.jpg`])),
    );
    const args = lists.flatMap((list) => ['--list', list]);
    const { code, stdout, stderr } = await tutorial(...args, '--allow-private', '--count', '8');
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining(
        "\nThe drawn sample takes the pictures' place: no address of the lists gave a picture, for the reason above.\n",
      ),
    ]);
    const { pictures, images, commands, predictions } = SUMMARY.parse(JSON.parse(stdout));
    expect([pictures, images]).toEqual(['sample', 'data/sample']);
    expect(commands.map((command) => command.split(' ')[1])).toEqual(
      'download sample label extract train predict'.split(' '),
    );
    expect(await formatOf(predictions)).toBe('png');
  });

  it('stops at a list that is not there, before anything else', async () => {
    expect(await tutorial('--list', 'absent.txt')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'pool5: Expected a list of addresses, got no such file (absent.txt).\n',
    });
  });
});
