import { afterEach, expect, it, vi } from 'vitest';
import { processRuns } from '../../../pipeline/files/process-runs.js';

const began = Date.now() - process.uptime() * 1000;
const SECOND = 1000;

afterEach(() => {
  vi.useRealTimers();
});

it('a namesake that was touched before this process began is dead, once it was silent for long enough', () => {
  vi.useFakeTimers({ toFake: ['Date'], now: began + SECOND });
  expect(processRuns(process.pid, began - 5 * SECOND)).toBe(true); // a container of the same name that lives at once
  expect(processRuns(process.pid, began - 16 * SECOND)).toBe(false);
  vi.setSystemTime(began + 11 * SECOND);
  expect(processRuns(process.pid, began - 5 * SECOND)).toBe(false);
});

it('this process runs, however long it was silent; another by what the system says', () => {
  vi.useFakeTimers({ toFake: ['Date'], now: began + 3600 * SECOND });
  expect(processRuns(process.pid, began + SECOND)).toBe(true);
  expect(processRuns(process.ppid, began - 16 * SECOND)).toBe(true);
  expect(processRuns(2 ** 30, began + SECOND)).toBe(false);
});
