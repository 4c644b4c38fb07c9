/** What a person needs to know of a mistake, in the order in which it is printed. */
export interface Mistake {
  readonly expected: string;
  readonly found: string;
  /** The file, option or row. */
  readonly where?: string;
  /** What to do about it: a sentence. */
  readonly fix?: string;
}

function sentence({ expected, found, where, fix }: Mistake): string {
  const place = where === undefined ? '' : ` (${where})`;
  return `Expected ${expected}, got ${found}${place}.${fix === undefined ? '' : ` ${fix}`}`;
}

/** The base of all errors that are printed without a stack trace. */
export abstract class Pool5Error extends Error {
  abstract readonly exitCode: number;

  constructor(problem: Mistake | string, options?: ErrorOptions) {
    super(typeof problem === 'string' ? problem : sentence(problem), options);
    this.name = new.target.name;
  }
}

/** The user's input is wrong: exit code 2. */
export class InputError extends Pool5Error {
  readonly exitCode = 2;
}

/** The world is at fault (disk, network, a native library): exit code 3. Says what is safe and how to go on. */
export class WorldError extends Pool5Error {
  readonly exitCode = 3;
}

/** SIGINT (exit code 130) or SIGTERM (143). Says how to resume. */
export class InterruptedError extends Pool5Error {
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM', resume: string) {
    super(`Interrupted (${signal}). ${resume}`);
    this.exitCode = signal === 'SIGINT' ? 130 : 143;
  }
}

/** The code of a system error such as ENOENT, where there is one. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
