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
 * What array engines set in the environment of each task. Slurm's indices go from min to max in steps; the others count
 * from 0. Kubernetes tells no task how many there are: the manifest repeats the Job's completions in JOB_COMPLETIONS.
 */
const ARRAYS = [
  {
    index: 'SLURM_ARRAY_TASK_ID',
    count: 'SLURM_ARRAY_TASK_COUNT',
    spacing: { min: 'SLURM_ARRAY_TASK_MIN', max: 'SLURM_ARRAY_TASK_MAX', step: 'SLURM_ARRAY_TASK_STEP' },
  },
  { index: 'JOB_COMPLETION_INDEX', count: 'JOB_COMPLETIONS' },
  { index: 'AWS_BATCH_JOB_ARRAY_INDEX', count: 'AWS_BATCH_JOB_ARRAY_SIZE' },
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
  const whole = (name: string): number => wholeNumber(name, array.index, env);
  const index = whole(array.index);
  const parts = whole(array.count);
  const [min, max, step] =
    'spacing' in array
      ? [whole(array.spacing.min), whole(array.spacing.max), whole(array.spacing.step)]
      : [0, parts - 1, 1];
  if (parts < 1 || parts > MOST) {
    const expected = `an array of 1 to ${MOST} tasks`;
    throw new InputError({ expected, found: String(parts), where: array.count, fix: FIX });
  }
  if (min + step * (parts - 1) !== max) {
    // Of --array=1,3,7 no task can tell which of the three it is.
    const found = `${parts} tasks from ${min} to ${max}, step ${step}`;
    throw new InputError({ expected: 'an array without gaps', found, where: array.index, fix: FIX });
  }
  if ('spacing' in array && (min > 1 || parts === 1)) {
    // Of --array=3 no task can tell whether it is one of 16 that is submitted again: it would take everything.
    const found = `${parts === 1 ? '1 task' : `${parts} tasks`} from ${min} to ${max}`;
    const fix = 'To submit task 3 of 1-16 again, give --shard 3/16; --shard 1/1 is all.';
    throw new InputError({ expected: 'an array of several tasks from 0 or 1', found, where: array.index, fix });
  }
  const part = (index - min) / step + 1;
  if (!Number.isInteger(part) || part < 1 || part > parts) {
    const expected = `an index from ${min} to ${max}${step === 1 ? '' : `, step ${step}`}`;
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

function wholeNumber(name: string, index: string, env: Environment): number {
  const text = env[name];
  if (text !== undefined && /^\d{1,9}$/.test(text)) return Number(text);
  const found = text === undefined ? 'nothing' : `"${text}"`;
  const where = name === index ? {} : { where: `beside ${index}` };
  throw new InputError({ expected: `a whole number in ${name}`, found, ...where, fix: FIX });
}
