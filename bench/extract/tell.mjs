// Loaded before the command line (node --import): tells as the process ends its peak memory, its CPU time, and the longest
// time that the event loop of its main thread was held.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  process.on('exit', () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    const told = { megabytes: maxRSS / 1000, cpu: (userCPUTime + systemCPUTime) / 1e6, held: delay.max / 1e6 };
    process.stderr.write(`told ${JSON.stringify(told)}\n`);
  });
}
