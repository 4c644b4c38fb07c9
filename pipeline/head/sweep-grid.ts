import { InputError } from '../errors.js';
import { settingsFrom, type SettingOptions } from './options.js';
import type { PresetName, Settings } from './settings.js';

/** Which seeds a sweep varies. */
export type Varied = 'init' | 'split' | 'batch' | 'all';

/** One setting of a sweep with a run for each seed. */
export interface Variant {
  /** What sets it apart, e.g. "learning-rate 0.001, dropout 0.5"; the preset's name where nothing does. */
  readonly label: string;
  readonly runs: readonly { readonly seed: number; readonly settings: Settings }[];
}

/**
 * Seeds as "1..10", "1,2,5" or both, "1..3,7".
 * @throws InputError for anything else, and for a range that runs backwards
 */
export function parseSeeds(text: string): number[] {
  const seeds = text.split(',').flatMap((part) => {
    const [, low, high] = /^\s*(\d+)(?:\.\.(\d+))?\s*$/.exec(part) ?? [];
    if (low === undefined) {
      throw new InputError({ expected: 'seeds such as 1..10 or 1,2,5', found: `"${text}"`, where: '--seeds' });
    }
    const first = Number(low);
    const last = Number(high ?? low);
    if (last < first) {
      throw new InputError({
        expected: 'a range of seeds with the lower one first',
        found: part.trim(),
        where: '--seeds',
        fix: `Write ${last}..${first}.`,
      });
    }
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
  return [...new Set(seeds)];
}

/** Options with lists of values, by the names that settings have. */
export type SettingLists = Readonly<Record<string, readonly (string | number | boolean)[]>>;

const dashed = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Every combination of one value from each list. */
function combinations(lists: SettingLists): Record<string, string | number | boolean>[] {
  let all: Record<string, string | number | boolean>[] = [{}];
  for (const [name, values] of Object.entries(lists)) {
    all = all.flatMap((each) => values.map((value) => ({ ...each, [name]: value })));
  }
  return all;
}

function seededBy(varied: Varied, seed: number): SettingOptions {
  if (varied === 'all') return { seed };
  return { [`${varied}Seed`]: seed };
}

/**
 * The settings of a sweep, each with its seeds.
 * @param lists alternatives; an option with one value sets all variants
 * @throws InputError for a value that cannot be
 */
export function sweepVariants(
  preset: PresetName,
  lists: SettingLists,
  seeds: readonly number[],
  varied: Varied,
  base: SettingOptions,
): Variant[] {
  const telling = Object.entries(lists).filter(([, values]) => values.length > 1);
  return combinations(lists).map((combination) => {
    const parts = telling.map(([name]) => `${dashed(name)} ${String(combination[name])}`);
    return {
      label: parts.length === 0 ? preset : parts.join(', '),
      runs: seeds.map((seed) => ({
        seed,
        settings: settingsFrom(preset, { ...base, ...combination, ...seededBy(varied, seed) }),
      })),
    };
  });
}

/**
 * Options of which each has one value or several, separated by commas or given again (for --hidden, whose values have
 * commas, only the latter).
 */
export function listsFrom(names: readonly string[], options: object): SettingLists {
  const given = new Map<string, unknown>(Object.entries(options));
  const lists: Record<string, (string | number)[]> = {};
  for (const dashedName of names) {
    const name = dashedName.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const value = given.get(name);
    if (!Array.isArray(value) || value.length === 0) continue;
    const texts = name === 'hidden' ? value.map(String) : value.flatMap((each) => String(each).split(','));
    lists[name] = texts.map((text) => (name === 'hidden' || !Number.isFinite(Number(text)) ? text : Number(text)));
  }
  return lists;
}
