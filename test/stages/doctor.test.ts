import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../pipeline/package-root.js';

function pool5(...args: string[]): string {
  return execFileSync(process.execPath, [join(PACKAGE_ROOT, 'dist', 'stages', 'cli.js'), ...args], {
    encoding: 'utf8',
  });
}

it('looks at this machine: one JSON object with --json', () => {
  const { healthy, checks } = JSON.parse(pool5('doctor', '--json'));
  expect(healthy).toBe(true);
  expect(checks.map(({ name }: { name: string }) => name)).toEqual([
    'Node',
    'Cores',
    'Instructions',
    'Memory',
    'Disk',
    'GPU',
    'Engine onnx',
    'Engine tensorflow (GPU)',
    'Engine tensorflow (CPU)',
    'Engine wasm',
    'Weights',
  ]);
});

it('fits 80 columns and ends in a verdict', () => {
  const lines = pool5('doctor').trimEnd().split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(lines.at(-1)).toMatch(/^pool5 \d+\.\d+\.\d+ can work here\.$/);
});
