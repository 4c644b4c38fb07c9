/** Counts of labels in equal bins, by folder. */
export interface Histogram {
  /** Of the bins: one more than there are counts. */
  readonly edges: readonly number[];
  /** The largest group first. */
  readonly groups: readonly { readonly name: string; readonly counts: readonly number[]; readonly total: number }[];
}

/** More would not be told apart; the smaller ones are pooled. */
const MOST_GROUPS = 6;

/** The folder in which images differ first: the parts of the path that all share say nothing. */
export function groupsOf(ids: readonly string[]): string[] {
  const folders = ids.map((id) => id.split('/').slice(0, -1));
  const first = folders[0] ?? [];
  let shared = 0;
  while (shared < first.length && folders.every((parts) => parts[shared] === first[shared])) shared++;
  // Where all lie in one folder, it is the group.
  const depth = folders.every((parts) => parts.length === shared) ? Math.max(0, shared - 1) : shared;
  return folders.map((parts) => parts[depth] ?? '.');
}

/** 1, 2 or 5 times a power of ten, for about so many steps. */
function niceStep(range: number, steps: number): number {
  const rough = range / steps;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10;
  return step * power;
}

/** @param bins about how many */
export function histogramOf(rows: readonly { id: string; target: number }[], bins = 16): Histogram {
  const groups = groupsOf(rows.map(({ id }) => id));
  const targets = rows.map(({ target }) => target);
  const low = targets.reduce((a, b) => Math.min(a, b), Infinity);
  const high = targets.reduce((a, b) => Math.max(a, b), -Infinity);
  const nice = niceStep(high - low, bins);
  const step = nice > 0 ? nice : 1; // labels that are all equal, or differ by less than a step can be
  const start = Math.floor(low / step);
  const count = rows.length === 0 ? 0 : Math.floor(high / step) - start + 1;
  const edges = Array.from({ length: rows.length === 0 ? 0 : count + 1 }, (_, index) =>
    Number(((start + index) * step).toPrecision(12)),
  );
  const sizes = new Map<string, number>();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const ranked = [...sizes].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([name]) => name);
  const shown = ranked.length > MOST_GROUPS ? ranked.slice(0, MOST_GROUPS - 1) : ranked;
  const names = ranked.length > MOST_GROUPS ? [...shown, `${ranked.length - shown.length} others`] : shown;
  const counts = names.map(() => Array.from({ length: count }, () => 0));
  for (const [index, target] of targets.entries()) {
    const place = shown.indexOf(groups[index] ?? '');
    const row = counts[place === -1 ? names.length - 1 : place];
    const bin = Math.min(count - 1, Math.max(0, Math.floor(target / step) - start));
    if (row !== undefined) row[bin] = (row[bin] ?? 0) + 1;
  }
  return {
    edges,
    groups: names.map((name, index) => {
      const own = counts[index] ?? [];
      return { name, counts: own, total: own.reduce((a, b) => a + b, 0) };
    }),
  };
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

function bar(value: number, most: number, width: number): string {
  const eighths = most === 0 ? 0 : Math.ceil((value / most) * width * 8);
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
}

/**
 * The histogram for a terminal: a line for each bin, a column of bars for each folder, so that where the folders
 * overlap can be read off across.
 */
export function histogramText({ edges, groups }: Histogram, unit: string): string {
  const width = Math.max(8, Math.floor(72 / Math.max(1, groups.length)) - 4);
  const most = Math.max(0, ...groups.flatMap(({ counts }) => counts));
  const labels = edges.slice(0, -1).map((edge, index) => `${edge} – ${edges[index + 1]}`);
  const margin = Math.max(unit.length, ...labels.map((label) => label.length));
  const head = groups.map(({ name, total }) => `${name} ${total}`.slice(0, width + 2).padEnd(width + 3));
  const lines = labels.map((label, bin) => {
    const bars = groups.map(({ counts }) => bar(counts[bin] ?? 0, most, width).padEnd(width + 2));
    return `${label.padStart(margin)} │${bars.join('│')}`;
  });
  return [`${unit.padStart(margin)}  ${head.join('')}`, ...lines].map((line) => line.trimEnd()).join('\n');
}
