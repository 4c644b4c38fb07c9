import { join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { writeAtomically } from '../files/atomic.js';
import { lock, type LockOwner } from '../files/lock.js';
import { readIfThere } from '../files/read.js';
import { sha256Of } from '../files/sha256.js';
import type { CacheKey } from './schema.js';

/** What the first run of a cache chose and every later one follows, on any machine, so that the bits stay the same. */
const choiceSchema = z.discriminatedUnion('graph', [
  /** How the onnx engine multiplies. */
  z.strictObject({ graph: z.enum(['direct', 'winograd']) }),
  /** The largest activation of each channel, by layer. */
  z.strictObject({ graph: z.literal('int8'), ranges: z.record(z.string(), z.array(z.number().nonnegative())) }),
]);

export type Choice = z.infer<typeof choiceSchema>;

/** As it lies on disk: with the sha256 of its own text, since a flipped digit would still be a number. */
const sealedSchema = z.object({ choice: choiceSchema, sha256: z.string() });

const FILE = 'choice.json';

/**
 * The choice that a cache's first run made; undefined where none was made yet.
 * @param folder of the key
 * @throws InputError where the file is damaged, or of another key
 */
export async function readChoice(folder: string, key: CacheKey): Promise<Choice | undefined> {
  const path = join(folder, FILE);
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  const choice = unsealed(text);
  if (choice !== undefined && (choice.graph === 'int8') === (key.precision === 'int8')) return choice;
  throw new InputError({
    expected: "a cache's choice of graph",
    found: 'a damaged file',
    where: path,
    fix:
      key.precision === 'int8'
        ? 'Put it back, or delete the folder and begin anew.'
        : 'Put it back, or delete it: the next extract then goes on as the shards there were made.',
  });
}

/**
 * The choice, made now where there is none: by one run at a time, so that all follow the same.
 * @param waiting hears who is choosing, where another run is
 */
export async function choose(
  folder: string,
  key: CacheKey,
  make: () => Promise<Choice>,
  waiting: (owner: LockOwner) => void,
): Promise<Choice> {
  const before = await readChoice(folder, key);
  if (before !== undefined) return before;
  const held = await lock(join(folder, 'locks', 'choice'), waiting);
  try {
    const meanwhile = await readChoice(folder, key);
    if (meanwhile !== undefined) return meanwhile;
    const choice = await make();
    const sealed = { choice, sha256: sha256Of(JSON.stringify(choice)) };
    await writeAtomically(join(folder, FILE), `${JSON.stringify(sealed)}\n`);
    return choice;
  } finally {
    await held.release();
  }
}

function unsealed(text: string): Choice | undefined {
  try {
    const { choice, sha256 } = sealedSchema.parse(JSON.parse(text));
    return sha256Of(JSON.stringify(choice)) === sha256 ? choice : undefined;
  } catch {
    return undefined;
  }
}
