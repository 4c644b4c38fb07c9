import { join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { writeAtomically } from '../files/atomic.js';
import { lock } from '../files/lock.js';
import { readIfThere } from '../files/read.js';

/** What the first run of a cache chose and every later one follows, on any machine, so that the bits stay the same. */
const choiceSchema = z.object({
  /** How the onnx engine multiplies. */
  graph: z.enum(['direct', 'winograd', 'int8']),
  /** For int8 with weights whose ranges are not known: those of this cache's first photographs, by layer. */
  ranges: z.record(z.string(), z.array(z.number())).exactOptional(),
});

export type Choice = z.infer<typeof choiceSchema>;

const FILE = 'choice.json';

/**
 * The choice that a cache's first run made; undefined where none was made yet.
 * @param folder of the key
 * @throws InputError where the file is damaged
 */
export async function readChoice(folder: string): Promise<Choice | undefined> {
  const path = join(folder, FILE);
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    return choiceSchema.parse(JSON.parse(text));
  } catch {
    throw new InputError({
      expected: "a cache's choice of graph",
      found: 'a damaged file',
      where: path,
      fix: 'Put it back, or delete it: the next extract then goes on as the shards there were made.',
    });
  }
}

/** The choice, made now where there is none: by one run at a time, so that all follow the same. */
export async function choose(folder: string, make: () => Promise<Choice>): Promise<Choice> {
  const before = await readChoice(folder);
  if (before !== undefined) return before;
  const held = await lock(join(folder, 'locks', 'choice'));
  try {
    const meanwhile = await readChoice(folder);
    if (meanwhile !== undefined) return meanwhile;
    const choice = await make();
    await writeAtomically(join(folder, FILE), `${JSON.stringify(choice)}\n`);
    return choice;
  } finally {
    await held.release();
  }
}
