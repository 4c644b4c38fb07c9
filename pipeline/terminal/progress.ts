import { SingleBar } from 'cli-progress';

export interface Progress {
  /** @param note what is being done now, e.g. "loss 0.31" */
  update(done: number, note?: string): void;
  stop(): void;
}

/** In a log, a line at most this often (milliseconds). */
const LOG_INTERVAL = 5000;

function seconds(value: number): string {
  const whole = Math.max(0, Math.round(value));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

function rateText(rate: number): string {
  return rate >= 100 ? rate.toFixed(0) : rate.toPrecision(2);
}

/** What progress is written to. */
export interface ProgressStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

/** Lines in a log are this wide at most. */
const COLUMNS = 80;

function cut(line: string): string {
  return line.length <= COLUMNS ? line : `${line.slice(0, COLUMNS - 1)}…`;
}

/** A bar on a terminal, a line every few seconds elsewhere; both on stderr, without colours. */
export function startProgress(
  label: string,
  total: number,
  unit: string,
  stream: ProgressStream = process.stderr,
): Progress {
  const started = performance.now();
  let lastLine = started;
  const status = (done: number): string => {
    const rate = done / ((performance.now() - started) / 1000);
    return done === 0 ? '' : `${rateText(rate)}/s · ${seconds((total - done) / rate)} left`;
  };
  if (stream.isTTY === true) {
    const format = `${label} {bar} {value}/{total} ${unit} {status} {note}`;
    const bar = new SingleBar({ format, stream, barsize: 20, hideCursor: true, clearOnComplete: true });
    bar.start(total, 0, { status: '', note: '' });
    return {
      update: (done, note = '') => bar.update(done, { status: status(done), note }),
      stop: () => bar.stop(),
    };
  }
  return {
    update(done, note = '') {
      const now = performance.now();
      if (now - lastLine < LOG_INTERVAL) return;
      lastLine = now;
      stream.write(`${cut(`${label} ${done}/${total} ${unit} ${status(done)} ${note}`.trimEnd())}\n`);
    },
    stop: () => undefined,
  };
}
