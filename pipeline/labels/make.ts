import { InputError } from '../errors.js';
import { nearest } from './columns.js';
import { madeUp, type Rule, ruleFor } from './rules.js';

export interface MadeUp {
  readonly rows: readonly { readonly id: string; readonly target: number }[];
  /** Images in folders without a rule. */
  readonly without: number;
}

/**
 * Makes up a number for each image whose folder has a rule.
 * @param images ids and the sha256 (hex) of their bytes: copies get the same number
 * @throws InputError for two rules of one folder, and a rule of a folder without images
 */
export function makeLabels(
  images: readonly { readonly id: string; readonly digest: string }[],
  rules: readonly Rule[],
  seed: number,
): MadeUp {
  const twice = rules.find((rule, index) => rules.findIndex(({ folder }) => folder === rule.folder) !== index);
  if (twice !== undefined) {
    throw new InputError({ expected: 'one rule for each folder', found: `two for ${twice.folder}`, where: '--rule' });
  }
  const used = new Set<Rule>();
  const rows = images.flatMap(({ id, digest }) => {
    const rule = ruleFor(id, rules);
    if (rule === undefined) return [];
    used.add(rule);
    return [{ id, target: madeUp(rule, digest, seed) }];
  });
  const idle = rules.find((rule) => !used.has(rule));
  if (idle !== undefined) {
    const folders = [...new Set(images.flatMap(({ id }) => id.split('/').slice(0, -1)))];
    const near = nearest(idle.folder, folders);
    throw new InputError({
      expected: `images in a folder named ${idle.folder}`,
      found: folders.length === 0 ? 'none in any folder' : `none; there are ${folders.slice(0, 5).join(', ')}`,
      where: '--rule',
      ...(near === undefined ? {} : { fix: `Did you mean ${near}?` }),
    });
  }
  return { rows, without: images.length - rows.length };
}
