import { describe, expect, it } from 'vitest';
import { InputError } from '../../../pipeline/errors.js';
import { choosePart, partText } from '../../../pipeline/extraction/part.js';

const FIX = 'Give --shard i/n, or --shard 1/1 for all.';

/** What Slurm sets in a task of an array. */
function slurm(id: number, count: number, min: number, max: number, step = 1): Record<string, string> {
  return {
    SLURM_ARRAY_TASK_ID: String(id),
    SLURM_ARRAY_TASK_COUNT: String(count),
    SLURM_ARRAY_TASK_MIN: String(min),
    SLURM_ARRAY_TASK_MAX: String(max),
    SLURM_ARRAY_TASK_STEP: String(step),
  };
}

describe('choosePart', () => {
  it('is everything without the option outside of an array', () => {
    expect(choosePart(undefined, {})).toEqual({ part: 1, parts: 1, from: null });
    // A count alone is of no array.
    expect(choosePart(undefined, { JOB_COMPLETIONS: '4' })).toEqual({ part: 1, parts: 1, from: null });
  });

  // The variables are what Slurm 22.05 set for these values of --array.
  it.each([
    ['--array=1-4, first', slurm(1, 4, 1, 4), 1, 4],
    ['--array=1-4, last', slurm(4, 4, 1, 4), 4, 4],
    ['--array=0-3, first', slurm(0, 4, 0, 3), 1, 4],
    ['--array=0-3, last', slurm(3, 4, 0, 3), 4, 4],
    ['--array=0-15:4', slurm(8, 4, 0, 12, 4), 3, 4],
    ['--array=1-7:2', slurm(3, 4, 1, 7, 2), 2, 4],
    ['--array=0-255', slurm(255, 256, 0, 255), 256, 256],
  ])('counts a task of Slurm, %s', (_, env, part, parts) => {
    expect(choosePart(undefined, env)).toEqual({ part, parts, from: 'SLURM_ARRAY_TASK_ID' });
  });

  it.each([
    ['JOB_COMPLETION_INDEX', 'JOB_COMPLETIONS'],
    ['AWS_BATCH_JOB_ARRAY_INDEX', 'AWS_BATCH_JOB_ARRAY_SIZE'],
  ])('counts %s from 0', (index, count) => {
    expect(choosePart(undefined, { [index]: '0', [count]: '4' })).toEqual({ part: 1, parts: 4, from: index });
    expect(choosePart(undefined, { [index]: '3', [count]: '4' })).toEqual({ part: 4, parts: 4, from: index });
  });

  it('lets the option win, over nonsense as well', () => {
    const expected = { part: 2, parts: 3, from: '--shard' };
    expect(choosePart('2/3', {})).toEqual(expected);
    expect(choosePart('2/3', slurm(1, 4, 1, 4))).toEqual(expected);
    expect(choosePart('2/3', { JOB_COMPLETION_INDEX: 'x', ...slurm(9, 4, 1, 4) })).toEqual(expected);
  });

  it.each(['0/2', '3/2', '1/257', '1', '1/', 'a/b', '1/2/3', '-1/2', '1.5/2', ' 1/2', ''])(
    'refuses --shard "%s"',
    (option) => {
      const message = `Expected --shard i/n with 1 <= i <= n <= 256, got ${option}.`;
      expect(() => choosePart(option, {})).toThrow(new InputError(message));
    },
  );

  it.each([
    [
      'two engines',
      { ...slurm(1, 4, 1, 4), JOB_COMPLETION_INDEX: '0', JOB_COMPLETIONS: '4' },
      'Expected one array engine, got SLURM_ARRAY_TASK_ID and JOB_COMPLETION_INDEX.',
    ],
    [
      'an index without a count',
      { JOB_COMPLETION_INDEX: '3' },
      'Expected a whole number in JOB_COMPLETIONS, got nothing (beside JOB_COMPLETION_INDEX).',
    ],
    [
      'a count that is none',
      { AWS_BATCH_JOB_ARRAY_INDEX: '0', AWS_BATCH_JOB_ARRAY_SIZE: 'four' },
      'Expected a whole number in AWS_BATCH_JOB_ARRAY_SIZE, got "four" (beside AWS_BATCH_JOB_ARRAY_INDEX).',
    ],
    [
      'an empty index',
      { JOB_COMPLETION_INDEX: '', JOB_COMPLETIONS: '4' },
      'Expected a whole number in JOB_COMPLETION_INDEX, got "".',
    ],
    [
      'a negative index',
      { JOB_COMPLETION_INDEX: '-1', JOB_COMPLETIONS: '4' },
      'Expected a whole number in JOB_COMPLETION_INDEX, got "-1".',
    ],
    [
      'an index beyond the count',
      { JOB_COMPLETION_INDEX: '4', JOB_COMPLETIONS: '4' },
      'Expected an index from 0 to 3, got 4 (JOB_COMPLETION_INDEX).',
    ],
    ['an index before the first', slurm(0, 4, 1, 4), 'Expected an index from 1 to 4, got 0 (SLURM_ARRAY_TASK_ID).'],
    [
      'an index between two steps',
      slurm(2, 4, 1, 7, 2),
      'Expected an index from 1 to 7, step 2, got 2 (SLURM_ARRAY_TASK_ID).',
    ],
    [
      'an array with gaps (--array=1,3,7)',
      slurm(3, 3, 1, 7),
      'Expected an array without gaps, got 3 tasks from 1 to 7, step 1 (SLURM_ARRAY_TASK_ID).',
    ],
    [
      'no tasks',
      { JOB_COMPLETION_INDEX: '0', JOB_COMPLETIONS: '0' },
      'Expected an array of 1 to 256 tasks, got 0 (JOB_COMPLETIONS).',
    ],
    [
      'more tasks than first bytes',
      { AWS_BATCH_JOB_ARRAY_INDEX: '0', AWS_BATCH_JOB_ARRAY_SIZE: '257' },
      'Expected an array of 1 to 256 tasks, got 257 (AWS_BATCH_JOB_ARRAY_SIZE).',
    ],
  ])('refuses %s', (_, env, message) => {
    expect(() => choosePart(undefined, env)).toThrow(new InputError(`${message} ${FIX}`));
  });
});

describe('a Slurm array that may be tasks of another, submitted again', () => {
  it.each([
    ['--array=3', slurm(3, 1, 3, 3), '1 task from 3 to 3'],
    ['--array=3,4, first', slurm(3, 2, 3, 4), '2 tasks from 3 to 4'],
    ['--array=3,4, last', slurm(4, 2, 3, 4), '2 tasks from 3 to 4'],
    ['--array=2-16', slurm(2, 15, 2, 16), '15 tasks from 2 to 16'],
    ['--array=0', slurm(0, 1, 0, 0), '1 task from 0 to 0'],
    ['--array=1', slurm(1, 1, 1, 1), '1 task from 1 to 1'],
  ])('is refused without the option, %s', (_, env, found) => {
    const message =
      `Expected an array of several tasks from 0 or 1, got ${found} (SLURM_ARRAY_TASK_ID). ` +
      'To submit task 3 of 1-16 again, give --shard 3/16; --shard 1/1 is all.';
    expect(() => choosePart(undefined, env)).toThrow(new InputError(message));
    expect(choosePart('3/16', env)).toEqual({ part: 3, parts: 16, from: '--shard' });
  });
});

describe('partText', () => {
  it('names the part and what named it', () => {
    expect(partText({ part: 2, parts: 4, from: 'SLURM_ARRAY_TASK_ID' })).toBe('part 2/4, from SLURM_ARRAY_TASK_ID');
    expect(partText({ part: 1, parts: 1, from: null })).toBeNull();
  });
});
