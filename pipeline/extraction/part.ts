import { InputError } from '../errors.js';

/** The part of the photographs that one of many machines computes; 1 of 1 is all of them. */
export interface Part {
  /** From 1. */
  readonly part: number;
  readonly parts: number;
  /** What named the part: "--shard" or a variable; null where nothing did. */
  readonly from: string | null;
}

/** Parts are cut by the first byte of a digest. */
const MOST = 256;

/**
 * What array engines set in the environment of each task. Slurm's indices are min, min + step, ... max (sbatch(1), output
 * environment variables); the others count from 0. Kubernetes tells no task how many there are: the Job's manifest
 * passes its completions in JOB_COMPLETIONS.
 */
const ARRAYS = [
  {
    index: 'SLURM_ARRAY_TASK_ID',
    count: 'SLURM_ARRAY_TASK_COUNT',
    spacing: { min: 'SLURM_ARRAY_TASK_MIN', max: 'SLURM_ARRAY_TASK_MAX', step: 'SLURM_ARRAY_TASK_STEP' },
  },
  { index: 'JOB_COMPLETION_INDEX', count: 'JOB_COMPLETIONS', spacing: null },
  { index: 'AWS_BATCH_JOB_ARRAY_INDEX', count: 'AWS_BATCH_JOB_ARRAY_SIZE', spacing: null },
] as const;

type Environment = Readonly<Record<string, string | undefined>>;

const FIX = 'Give --shard i/n, or --shard 1/1 for all.';

/**
 * The part that --shard names; without it, that of the array task whose index is in the environment; else everything.
 * @param option i/n, from 1
 * @throws InputError where the option is no part, or the environment is of two engines or of no whole array
 */
export function choosePart(option: string | undefined, env: Environment): Part {
  if (option !== undefined) return parsePart(option);
  const [array, other] = ARRAYS.filter(({ index }) => env[index] !== undefined);
  if (array === undefined) return { part: 1, parts: 1, from: null };
  if (other !== undefined) {
    throw new InputError({ expected: 'one array engine', found: `${array.index} and ${other.index}`, fix: FIX });
  }
  const index = wholeNumber(array.index, env);
  const parts = wholeNumber(array.count, env);
  const { min, max, step } = spacingOf(array, parts, env);
  if (min + step * (parts - 1) !== max) {
    // Which of such tasks is the second cannot be told from inside of one.
    const found = `${parts} from ${min} to ${max} in steps of ${step}`;
    throw new InputError({ expected: 'an array without gaps', found, where: array.index, fix: FIX });
  }
  if (parts > MOST) {
    throw new InputError({ expected: `at most ${MOST} tasks`, found: String(parts), where: array.count, fix: FIX });
  }
  const part = (index - min) / step + 1;
  if (!Number.isInteger(part) || part < 1 || part > parts) {
    const expected = `an index of an array from ${min} to ${max}${step === 1 ? '' : ` in steps of ${step}`}`;
    throw new InputError({ expected, found: String(index), where: array.index, fix: FIX });
  }
  return { part, parts, from: array.index };
}

/** "part 2/4, from SLURM_ARRAY_TASK_ID"; null where nothing named a part. */
export function partText({ part, parts, from }: Part): string | null {
  return from === null ? null : `part ${part}/${parts}, from ${from}`;
}

function parsePart(text: string): Part {
  const [, part = NaN, parts = NaN] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? [];
  if (part >= 1 && part <= parts && parts <= MOST) return { part, parts, from: '--shard' };
  throw new InputError({ expected: `--shard i/n with 1 <= i <= n <= ${MOST}`, found: text });
}

function spacingOf(
  { spacing }: (typeof ARRAYS)[number],
  parts: number,
  env: Environment,
): { min: number; max: number; step: number } {
  if (spacing === null) return { min: 0, max: parts - 1, step: 1 };
  return {
    min: wholeNumber(spacing.min, env),
    max: wholeNumber(spacing.max, env),
    step: wholeNumber(spacing.step, env),
  };
}

function wholeNumber(name: string, env: Environment): number {
  const text = env[name];
  if (text !== undefined && /^\d{1,9}$/.test(text)) return Number(text);
  throw new InputError({
    expected: 'a whole number',
    found: text === undefined ? 'nothing' : `"${text}"`,
    where: name,
    fix: FIX,
  });
}
