import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { drawPictures } from '../faults/extraction.js';
import { newFolder, pool5With, type Outcome } from './command-line.js';

const PICTURES = 6;
let folder: string;

beforeAll(async () => {
  folder = await newFolder();
  await drawPictures(join(folder, 'images'), PICTURES);
});
afterAll(() => rm(folder, { recursive: true }));

function plan(env: Record<string, string>, ...more: string[]): Promise<Outcome> {
  const args = ['extract', '--images', join(folder, 'images'), '--features', join(folder, 'features'), '--plan'];
  return pool5With(env, ...args, ...more);
}

it('takes the part of an array task, and says so', async () => {
  const counts: number[] = [];
  for (const index of ['0', '1']) {
    const { code, stdout, stderr } = await plan({ JOB_COMPLETION_INDEX: index, JOB_COMPLETIONS: '2' });
    const named = `part ${Number(index) + 1}/2, from JOB_COMPLETION_INDEX`;
    const count = Number(/: (\d+) to compute$/m.exec(stderr)?.[1]);
    expect([code, stdout]).toEqual([0, `${count} to compute (${named}); nothing was (--plan).\n`]);
    expect(stderr.split('\n').slice(1)).toEqual([`${named}: ${count} to compute`, '']);
    counts.push(count);
  }
  expect(counts.every((count) => count > 0 && count < PICTURES)).toBe(true);
  expect(counts.reduce((a, b) => a + b)).toBe(PICTURES);
});

it('lets --shard win, and takes all elsewhere', async () => {
  const task = { JOB_COMPLETION_INDEX: '0', JOB_COMPLETIONS: '2' };
  const option = await plan(task, '--shard', '1/1', '--json');
  expect(JSON.parse(option.stdout)).toMatchObject({
    part: { part: 1, parts: 1, from: '--shard' },
    pending: PICTURES,
  });
  const none = await plan({});
  expect(none.stderr).toBe(`fresh 0 · new ${PICTURES} · changed 0 · renamed 0 · missing 0 · rejected 0\n`);
  expect(none.stdout).toBe(`${PICTURES} to compute; nothing was (--plan).\n`);
});

it('refuses an array task that does not know its part', async () => {
  expect(await plan({ JOB_COMPLETION_INDEX: '0' })).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'pool5: Expected a whole number in JOB_COMPLETIONS, got nothing (beside JOB_COMPLETION_INDEX). ' +
      'Give --shard i/n, or --shard 1/1 for all.\n',
  });
});
