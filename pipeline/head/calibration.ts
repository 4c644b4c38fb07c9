import { conformalInterval, fewestResiduals, type ConformalInterval } from './conformal.js';

/** The coverage of the intervals that predict and report show. */
const COVERAGE = 0.9;

/** An interval with what its promise rests on. */
export interface Calibration extends ConformalInterval {
  /** The part of the run that its residuals are from. */
  readonly part: 'holdout' | 'validation';
  /** Whether those photographs chose the epoch: the guarantee is then no longer exact. */
  readonly choseEpoch: boolean;
  /** Whether the residuals are from before the head was trained again with those photographs: nor is it then. */
  readonly beforeRefit: boolean;
}

interface Outcome {
  readonly split: string;
  readonly target: number;
  readonly prediction: number;
}

/** How a run came to its head; of its summary.json. */
interface Training {
  /** The epoch that validation photographs chose; null or undefined for ridge, which has none. */
  readonly epoch?: number | null | undefined;
  readonly refitted?: boolean | undefined;
}

/**
 * Calibrates the interval of a run: on its holdout part where there are enough of them, since those photographs chose
 * nothing and trained no head (split conformal prediction's guarantee then holds as it stands, for the saved head), else
 * on its validation part.
 * @returns null where neither part has enough photographs for this coverage
 */
export function calibrate(
  outcomes: readonly Outcome[],
  { epoch, refitted = false }: Training,
  coverage = COVERAGE,
): Calibration | null {
  for (const part of ['holdout', 'validation'] as const) {
    const used = outcomes.filter(({ split }) => split === part);
    const interval = conformalInterval(
      used.map(({ target, prediction }) => prediction - target),
      coverage,
    );
    if (interval === null) continue;
    const validation = part === 'validation';
    return {
      ...interval,
      part,
      choseEpoch: validation && typeof epoch === 'number',
      beforeRefit: validation && refitted,
    };
  }
  return null;
}

/** What an interval rests on: "54 validation residuals, which chose the epoch, from before ...". */
export function basisOf({ count, part, choseEpoch, beforeRefit }: Calibration): string {
  const chose = choseEpoch ? 'which chose the epoch' : 'which chose nothing';
  const before = beforeRefit ? ', from before the head was trained again with them' : '';
  return `${count} ${part} residuals, ${chose}${before}`;
}

/** What is said where there is no interval. */
export const NO_INTERVAL = `No interval: it takes ${fewestResiduals(COVERAGE)} validation or holdout photographs.`;
