import { InputError } from '../errors.js';

/** Between targets in their unit and what the head is trained on: t = (f(y) - shift) / scale, f identity or log. */
export interface TargetTransform {
  readonly kind: 'standard' | 'raw' | 'log';
  readonly shift: number;
  readonly scale: number;
}

/** @throws InputError where targets are all equal */
export function checkTargetsDiffer(targets: readonly number[], whose: string): void {
  const [first] = targets;
  if (first === undefined || targets.some((target) => target !== first)) return;
  throw new InputError({
    expected: 'targets that differ',
    found: `${first} for all ${targets.length} ${whose}`,
    fix: 'There is nothing to learn from them.',
  });
}

/**
 * @param targets of the training examples, in their unit
 * @throws InputError where they are all equal, or not positive for `log`
 */
export function fitTransform(kind: TargetTransform['kind'], targets: ArrayLike<number>): TargetTransform {
  const values = Array.from(targets);
  checkTargetsDiffer(values, 'training photographs');
  if (kind === 'raw') return { kind, shift: 0, scale: 1 };
  const lowest = Math.min(...values);
  if (kind === 'log' && lowest <= 0) {
    throw new InputError({
      expected: 'targets above 0 for --target log',
      found: String(lowest),
      fix: 'Use --target standard.',
    });
  }
  const mapped = kind === 'log' ? values.map(Math.log) : values;
  const mean = mapped.reduce((sum, value) => sum + value, 0) / mapped.length;
  const variance = mapped.reduce((sum, value) => sum + (value - mean) ** 2, 0) / mapped.length;
  return { kind, shift: mean, scale: Math.sqrt(variance) };
}

export function toTraining({ kind, shift, scale }: TargetTransform, targets: ArrayLike<number>): Float32Array {
  return Float32Array.from(targets, (value) => ((kind === 'log' ? Math.log(value) : value) - shift) / scale);
}

export function toUnit({ kind, shift, scale }: TargetTransform, outputs: ArrayLike<number>): Float32Array {
  return Float32Array.from(outputs, (value) =>
    kind === 'log' ? Math.exp(value * scale + shift) : value * scale + shift,
  );
}
