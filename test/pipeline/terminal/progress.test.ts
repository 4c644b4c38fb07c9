import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startProgress } from '../../../pipeline/terminal/progress.js';

let written: string;
let stream: PassThrough & { isTTY?: boolean };
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date', 'setTimeout', 'clearTimeout'] });
  written = '';
  stream = new PassThrough();
  stream.on('data', (chunk: Buffer) => (written += chunk.toString()));
});
afterEach(() => void vi.useRealTimers());

it('writes a line every few seconds into a log, with rate, time left and what is being done', () => {
  const progress = startProgress('extract', 100, 'photographs', stream);
  progress.update(1);
  vi.advanceTimersByTime(4999);
  progress.update(9);
  expect(written).toBe('');
  vi.advanceTimersByTime(1);
  progress.update(10, 'cat.1.jpg');
  vi.advanceTimersByTime(1000);
  progress.update(12, 'cat.3.jpg');
  progress.stop();
  expect(written).toBe('extract 10/100 photographs 2.0/s · 45 s left cat.1.jpg\n');
});

it('keeps to 80 columns', () => {
  const progress = startProgress('extract', 100, 'photographs', stream);
  vi.advanceTimersByTime(5000);
  progress.update(10, 'x'.repeat(200));
  expect(written).toHaveLength(81);
  expect(written.endsWith('x…\n')).toBe(true);
});

it('draws a bar on a terminal, without colours, and clears it', () => {
  stream.isTTY = true;
  Object.assign(stream, { cursorTo: () => true, clearLine: () => true, moveCursor: () => true });
  const progress = startProgress('train', 50, 'epochs', stream);
  vi.advanceTimersByTime(2000);
  progress.update(25, 'loss 0.31');
  progress.stop();
  expect(written).toContain('train ==========---------- 25/50 epochs 13/s · 2 s left loss 0.31');
  // A colour would begin with ESC [ 3.
  expect(written).not.toContain('\u001B[3');
});
