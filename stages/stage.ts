import type { Argv } from 'yargs';
import type { Effects } from '../pipeline/terminal/effects.js';

type CamelCase<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

/** Options under the names that code uses: --init-seed is initSeed. */
export type CamelCased<Options> = { [Key in keyof Options as CamelCase<Key & string>]: Options[Key] };

/** A command of pool5. Its file loads only when the command runs or shows its help. */
export interface Stage<Options, Summary> {
  /** Declares the options, each with its default, and at least one example. */
  options(yargs: Argv): Argv<Options>;
  /** Does the work. Throws Pool5Error for everything that a user can mend. */
  run(options: CamelCased<Options>, effects: Effects): Promise<Summary>;
  /** The summary for a person; with --json the summary itself is printed. */
  text(summary: Summary, options: CamelCased<Options>): string;
}

/** Lets TypeScript infer a stage's types from its parts. */
export function defineStage<Options, Summary extends object>(stage: Stage<Options, Summary>): Stage<Options, Summary> {
  return stage;
}
