import { left, machineLines, markdownTable, right } from '../extract/page.mjs';

const count = (value) => Math.round(value).toLocaleString('en');
const fixed = (value, digits = 1) => value.toFixed(digits);
/** Seconds of the clock, and of all threads' CPU time, which other work on the machine hardly changes. */
const time = ({ seconds, cpu }) => `${fixed(seconds)} (${fixed(cpu)})`;

/** What the estimate assumes. */
const ASSUMED = { pictures: 10_000_000, dollarsPerCoreHour: 0.04, dollarsPerGBMonth: 0.1, tasks: 256, cores: 16 };

/** The result of bench/growth.mjs as Markdown. */
export function growthLines(result) {
  const { machine, command, steps, heads } = result;
  return [
    ...machineLines(machine),
    '',
    `\`${command}\`. Times are seconds of the clock, in brackets of CPU. Every step is a process of its own.`,
    '',
    ...stepTable(steps),
    '',
    ...headTable(heads, steps.at(-1).size),
    '',
    ...estimate(result),
  ];
}

function stepTable(steps) {
  const rows = [
    ['drawing them', ({ drawn }) => time(drawn)],
    ['first look: list, read, sha256', ({ first }) => time(first)],
    ['  peak memory (MB)', ({ first }) => fixed(first.megabytes, 0)],
    ['all of extract but the stack (stand-in engine)', ({ all }) => time(all)],
    ['  pictures/s', ({ all, size }) => count(size / all.seconds)],
    ['  peak memory (MB)', ({ all }) => fixed(all.megabytes, 0)],
    ['  event loop held at most (ms)', ({ all }) => fixed(all.held, 0)],
    ['extract when all is there', ({ again }) => time(again)],
    ['  peak memory (MB)', ({ again }) => fixed(again.megabytes, 0)],
    ['  event loop held at most (ms)', ({ again }) => fixed(again.held, 0)],
    ['with the stack: pictures of a part (--shard)', ({ stack }) => count(stack.computed)],
    ['  pictures/s once the engine is open', ({ stack }) => fixed(stack.rate)],
    ['  peak memory (MB)', ({ stack }) => fixed(stack.megabytes, 0)],
    ['cache: shards', ({ all }) => count(all.shards)],
    ['  files', ({ cache }) => count(cache.files)],
    ['  bytes a picture', ({ cache, size }) => count(cache.bytes / size)],
    ['  bytes of the index a picture', ({ indexBytes, size }) => count(indexBytes / size)],
  ];
  return markdownTable(
    [left('pictures'), ...steps.map(({ size }) => right(count(size)))],
    rows.map(([name, cell]) => [name, ...steps.map(cell)]),
  );
}

function headTable(heads, size) {
  const rows = [
    ['train, default preset', ({ train }) => time(train)],
    ['  products of all pairs (gram)', ({ train }) => fixed(train.parts.span)],
    ['  baselines (mean, ridge)', ({ train }) => fixed(train.parts.baselines)],
    ['  the head', ({ train }) => fixed(train.parts.train)],
    ['  width of the span', ({ train }) => count(train.width)],
    ['  peak memory (MB)', ({ train }) => fixed(train.megabytes, 0)],
    ['  event loop held at most (ms)', ({ train }) => fixed(train.held, 0)],
    ['report', ({ report }) => time(report)],
    ['  peak memory (MB)', ({ report }) => fixed(report.megabytes, 0)],
    ['  size of the page (MB)', ({ report }) => fixed(report.bytes / 1e6)],
  ];
  return markdownTable(
    [left(`labels, of a cache of ${count(size)}`), ...heads.map((head) => right(count(head.count)))],
    rows.map(([name, cell]) => [name, ...heads.map(cell)]),
  );
}

/**
 * Ten million pictures on a cluster, on paper: this machine's figures times their number.
 * @param result.rate pictures/s of extract: of make bench where it was run, else of the fastest part
 */
function estimate({ machine, steps, rate }) {
  const { pictures, dollarsPerCoreHour, dollarsPerGBMonth, tasks, cores } = ASSUMED;
  const last = steps.at(-1);
  const perCore = rate / machine.cores;
  const coreHours = pictures / perCore / 3600;
  const bytes = (last.cache.bytes / last.size) * pictures;
  const read = last.pictureBytes * pictures;
  const minutes = (coreHours / tasks / cores) * 60;
  return [
    `On paper, ${count(pictures)} such pictures of ${count(last.pictureBytes / 1000)} kB, float32 features:`,
    '',
    `- Hours: ${fixed(perCore)} pictures/s a core here, so ${count(coreHours)} core-hours, ${count(coreHours / cores)} node-hours of ${cores} cores;`,
    `  ${fixed(minutes, 0)} minutes on ${tasks} such nodes, if ${cores} cores are ${fixed(cores / machine.cores, 0)} times as fast as ${machine.cores}.`,
    `- Money: $${count(coreHours * dollarsPerCoreHour)} at an assumed $${dollarsPerCoreHour} a core and hour, and $${count((bytes / 1e9) * dollarsPerGBMonth)} a month for the cache at an assumed`,
    `  $${dollarsPerGBMonth} a GB; suppliers differ by a factor of three in both.`,
    `- Bytes: a cache of ${fixed(bytes / 1e12)} TB, half of that with --dtype float16; ${fixed(read / 1e12)} TB of pictures to read.`,
    `- Files: ${count((last.cache.files / last.size) * pictures)} with 64 rows a shard, ${count((2 * pictures) / 1024)} with --shard-rows 1024.`,
    `- The first look: ${fixed(((last.first.cpu / last.size) * pictures) / 3600)} core-hours besides the reading, in one task for which the others wait; an index of ${fixed(((last.indexBytes / last.size) * pictures) / 1e9)} GB.`,
  ];
}
