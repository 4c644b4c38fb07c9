import { startProgress, type Progress } from './progress.js';

/** What a stage does to the world besides reading and writing files: the last argument of every stage. */
export interface Effects {
  /** A line of the result, to stdout. */
  print(line: string): void;
  /** A line about the work, to stderr. */
  log(line: string): void;
  /**
   * Shows how far long work has come, on stderr.
   * @param unit of total, in the plural, e.g. "photographs"
   */
  progress(label: string, total: number, unit: string): Progress;
  /** Aborted on SIGINT and SIGTERM; the reason is the signal's name. */
  readonly signal: AbortSignal;
}

/** Effects on this process's own stdout and stderr; `quiet` silences log and progress. */
export function nodeEffects({ quiet = false, signal }: { quiet?: boolean; signal: AbortSignal }): Effects {
  return {
    print: (line) => void process.stdout.write(`${line}\n`),
    log: quiet ? () => undefined : (line) => void process.stderr.write(`${line}\n`),
    progress: quiet ? () => ({ update: () => undefined, stop: () => undefined }) : startProgress,
    signal,
  };
}
