import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { instructionsCheck } from '../../dist/pipeline/doctor/machine.js';

const require = createRequire(import.meta.url);

/** Who ran the bench: what a table of times means nothing without. */
export function describeMachine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    instructions: instructionsCheck(cpuinfo(), arch()).found,
    memoryGB: Math.round(totalmem() / 1e9),
    system: `${process.platform} ${arch()}`,
    node: process.version,
    packages: Object.fromEntries(['onnxruntime-node', 'sharp', 'apache-arrow'].map((name) => [name, versionOf(name)])),
    /** Other work on the machine spoils the times: 0 is a quiet one. */
    loadBefore: loadavg()[0],
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
  };
}

function cpuinfo() {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}

function versionOf(name) {
  for (const path of require.resolve.paths(name) ?? []) {
    try {
      return JSON.parse(readFileSync(`${path}/${name}/package.json`, 'utf8')).version;
    } catch {
      continue;
    }
  }
  return 'unknown';
}
