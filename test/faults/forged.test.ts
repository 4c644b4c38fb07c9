import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../pipeline/package-root.js';

/** Forged shards; POOL5_FUZZ=20000 for the full run (three minutes). */
const CASES = Number(process.env['POOL5_FUZZ'] ?? 60);

it(
  `${CASES} forged shards, listed and not, neither crash, stall nor bloat who reads them, nor give a wrong row`,
  async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--max-old-space-size=100', join(PACKAGE_ROOT, 'test/faults/forge.mjs'), String(CASES), '5'],
      { timeout: 30_000 + CASES * 50 },
    );
    const { cases, adopted, refused, megabytes } = JSON.parse(stdout);
    console.log(`${cases} forged shards, ${adopted} of them well-formed; ${megabytes} MB at most`);
    expect(cases).toBe(CASES);
    expect(adopted).toBeGreaterThan(0);
    expect(refused['not a shard']).toBeGreaterThan(CASES / 2);
    expect(megabytes).toBeLessThan(250);
  },
  60_000 + CASES * 50,
);
