import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Check } from '../pipeline/doctor/check.js';
import { engineChecks, gpuCheck } from '../pipeline/doctor/engines.js';
import { machineChecks } from '../pipeline/doctor/machine.js';
import { weightsCheck } from '../pipeline/doctor/weights.js';
import { PACKAGE_ROOT } from '../pipeline/package-root.js';
import { table } from '../pipeline/terminal/table.js';
import { defineStage } from './stage.js';

const packageSchema = z.object({ version: z.string(), engines: z.object({ node: z.string() }) });

const MARKS: Readonly<Record<Check['status'], string>> = { ok: 'ok', note: '-', warning: 'warn', problem: 'FAIL' };

export const stage = defineStage({
  options: (yargs) =>
    yargs
      .option('features', {
        type: 'string',
        default: 'features',
        describe: 'Folder of the features, whose disk is looked at',
      })
      .example('$0 doctor', 'What pool5 finds on this machine, and what to do about problems'),

  async run({ features }) {
    const text = await readFile(join(PACKAGE_ROOT, 'package.json'), 'utf8');
    const { version, engines } = packageSchema.parse(JSON.parse(text));
    const checks = [
      ...(await machineChecks(features, engines.node)),
      await gpuCheck(),
      ...(await engineChecks()),
      await weightsCheck(),
    ];
    return { pool5: version, healthy: checks.every(({ status }) => status !== 'problem'), checks };
  },

  text({ pool5, healthy, checks }) {
    const rows = checks.map(({ name, status, found }) => [MARKS[status], name, found]);
    const fixes = checks.flatMap(({ name, status, fix }) =>
      fix === undefined || status === 'ok' ? [] : [[`${name}:`, fix]],
    );
    const advice = fixes.length === 0 ? [] : ['', table(fixes)];
    const verdict = healthy ? `pool5 ${pool5} can work here.` : `pool5 ${pool5} cannot work here yet.`;
    return [table(rows), ...advice, '', verdict].join('\n');
  },
});
