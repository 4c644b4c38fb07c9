import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../dist/pipeline/package-root.js';

const PAGE = join(PACKAGE_ROOT, 'BENCHMARKS.md');

const fixed = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : '-');
const percent = (value) => (Number.isFinite(value) ? `${(100 * value).toFixed(0)}%` : '-');
const measured = ({ median, spread }, digits) => `${fixed(median, digits)} ± ${fixed(spread, digits)}`;

const line = (cells) => `| ${cells.join(' | ')} |`;
export const right = (name) => ({ name, right: true });
export const left = (name) => ({ name });

/** @param head a column each: {name, right}; rows of cells */
export function markdownTable(head, rows) {
  const marks = head.map((column) => (column.right ? '--:' : '---'));
  return [line(head.map(({ name }) => name)), line(marks), ...rows.map(line)];
}

export function machineLines({ cpu, cores, instructions, memoryGB, system, node, packages, loadBefore, date }) {
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
  return [
    `${cpu}, ${cores} cores (${instructions}), ${memoryGB} GB, ${system}; Node ${node}, ${versions.join(', ')}.`,
    `${date} UTC, load average ${fixed(loadBefore, 2)} as it began${loadBefore > 1 ? ': other work ran beside it, so only CPU times mean something' : ''}.`,
  ];
}

/** The result of bench/extract.mjs as Markdown. */
export function extractLines({ machine, command, rounds, gflop, peaks, decoded, whole, images, starts }) {
  const [peak, product] = peaks;
  return [
    ...machineLines(machine),
    '',
    `\`${command}\`: ${rounds.decoded} rounds of decoded pictures and ${rounds.files} of files, in each of which all take their turn,`,
    'after one that warms up; median ± half the distance between the quartiles. One process computes at a time.',
    '',
    `Multiply-add peak of all cores, float32: ${fixed(peak.best, 0)} GFLOP/s: ${peak.name}.`,
    ...(product === undefined ? [] : [`Beside it, ${fixed(product.best, 0)} GFLOP/s: ${product.name}.`]),
    `The stack: ${fixed(gflop, 1)} GFLOP a picture as direct convolution, by which all shares are counted.`,
    '',
    ...markdownTable(
      [
        left('decoded pictures'),
        right('images/s'),
        right('share of the peak'),
        right('to the fastest peer'),
        right('features differ by'),
        left('what'),
      ],
      decoded.map((row) => [
        row.name,
        measured(row.rate, row.rate.median < 2 ? 2 : 1),
        percent(row.share),
        fixed(row.ratio, 2),
        row.difference === 0 ? '0' : row.difference.toExponential(0),
        row.description,
      ]),
    ),
    '',
    ...markdownTable(
      [
        left(`${images} photographs, from files to files`),
        right('images/s'),
        right('of its bare engine'),
        right('to the fastest peer'),
        right('opens in (s)'),
        right('peak memory (MB)'),
        right('event loop held at most (ms)'),
      ],
      whole.map((row) => [
        row.name,
        measured(row.rate, 1),
        percent(row.share),
        fixed(row.ratio, 2),
        fixed(row.start, 1),
        fixed(row.megabytes, 0),
        row.held === null ? '-' : fixed(row.held, 0),
      ]),
    ),
    '',
    `pool5 --help: ${fixed(starts.help * 1000, 0)} ms. pool5 extract of one photograph, from nothing to a cache: ${fixed(starts.first, 1)} s.`,
  ];
}

/** Replaces the part of BENCHMARKS.md between this section's marks. */
export function writeSection(name, lines) {
  const [begin, end] = [`<!-- ${name}: written by the bench -->`, `<!-- end of ${name} -->`];
  const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`Expected "${begin}" and "${end}" in ${PAGE}, got no such marks.`);
  const text = ['', '', ...lines, '', ''].join('\n');
  writeFileSync(PAGE, page.slice(0, from + begin.length) + text + page.slice(to));
}
