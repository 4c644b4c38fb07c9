import { closest, distance } from 'fastest-levenshtein';
import { InputError } from '../errors.js';
import { isNumeric, type TextTable } from './delimited.js';

/** Names under which tables keep the photograph, best first. */
const ID_NAMES = ['image', 'id', 'file', 'filename', 'path', 'photo', 'picture'];

/** Names under which tables keep the number; a unit may follow (length_cm). */
const TARGET_NAMES = new Set('target label length height width size weight mass age price value'.split(' '));

const UNITS =
  'mm|cm|dm|m|km|in|inch|ft|yd|mi|mg|g|kg|t|oz|lb|lbs|ms|s|sec|min|h|days|months|years|yr|ml|l|m2|m3|eur|usd|gbp|chf|jpy|deg|px|pct|percent|kcal|kj|kw';
const UNIT_SUFFIX = new RegExp(`[_ ]*(?:[_ ](${UNITS})|\\((.+)\\)|\\[(.+)\\])$`, 'i');

/** The unit at the end of a column's name (length_cm, "Length (cm)"); '' where there is none. */
export function unitOf(column: string): string {
  const match = UNIT_SUFFIX.exec(column);
  return match?.[1] ?? match?.[2] ?? match?.[3] ?? '';
}

/** The name that a person most likely meant, where one is near enough to suggest. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const near = closest(name, names);
  return distance(name, near) <= Math.max(2, name.length / 3) ? near : undefined;
}

function named(table: TextTable, name: string, option: string): string {
  if (table.columns.includes(name)) return name;
  const near = nearest(name, table.columns);
  throw new InputError({
    expected: `a column named "${name}"`,
    found: `the columns ${table.columns.join(', ')}`,
    where: table.file,
    fix: near === undefined ? `Name one with ${option}.` : `Did you mean ${option} ${near}?`,
  });
}

/** @throws InputError where the named column is missing */
export function idColumn(table: TextTable, name?: string): string {
  if (name !== undefined) return named(table, name, '--id');
  const known = ID_NAMES.map((each) => table.columns.find((column) => column.toLowerCase() === each));
  const column = known.find((each) => each !== undefined) ?? table.columns[0];
  if (column === undefined)
    throw new InputError({ expected: 'a column of image ids', found: 'none', where: table.file });
  return column;
}

/** @throws InputError where the named column is missing, or none was named and more than one could be meant */
export function targetColumn(table: TextTable, id: string, name?: string, option = '--target'): string {
  if (name !== undefined) return named(table, name, option);
  const others = table.columns.filter((column) => column !== id);
  const only = others.length === 1 ? others[0] : undefined;
  if (only !== undefined) return only;
  const numeric = others.filter((column) => table.rows.some((row) => isNumeric(row.columns[column] ?? '')));
  const familiar = others.filter((column) => TARGET_NAMES.has(column.replace(UNIT_SUFFIX, '').toLowerCase()));
  const choices = familiar.length === 0 ? numeric : familiar;
  const [choice, ...rest] = choices;
  if (choice !== undefined && rest.length === 0) return choice;
  throw new InputError({
    expected: 'one column of numbers besides the ids',
    found: choice === undefined ? (others.length === 0 ? 'none' : `none in ${others.join(', ')}`) : choices.join(', '),
    where: table.file,
    fix: `Name the one to learn with ${option}.`,
  });
}
