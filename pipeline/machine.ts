import { readFile } from 'node:fs/promises';
import { arch, availableParallelism, cpus, release, totalmem } from 'node:os';
import { z } from 'zod';

/** What a run was made on: its timings mean little without. */
export const machineSchema = z.object({
  /** The processor's model, or its architecture where the system does not tell. */
  cpu: z.string(),
  /** Cores that this process may use. */
  cores: z.number(),
  /** Cores of a container's quota, where one is set; may be a fraction. */
  quota: z.number().nullable(),
  /** Bytes that this process may use. */
  memory: z.number(),
  node: z.string(),
  /** E.g. "linux x64, 6.1.0". */
  platform: z.string(),
});

export type Machine = z.infer<typeof machineSchema>;

/** Cores of a cgroup's quota (version 2's cpu.max: "quota period"); null where there is none. */
export function quotaOf(cpuMax: string): number | null {
  const [quota, period] = cpuMax.trim().split(/\s+/).map(Number);
  return quota === undefined || period === undefined || !(quota > 0) ? null : quota / period;
}

/** Looks at the machine that this runs on. */
export async function thisMachine(): Promise<Machine> {
  const limit = process.constrainedMemory();
  return {
    cpu: cpus()[0]?.model.trim() ?? arch(),
    cores: availableParallelism(),
    quota: quotaOf(await readFile('/sys/fs/cgroup/cpu.max', 'utf8').catch(() => '')),
    memory: limit > 0 ? Math.min(limit, totalmem()) : totalmem(),
    node: process.version,
    platform: `${process.platform} ${arch()}, ${release()}`,
  };
}

export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e10 ? 1 : 0)} GB`;
}

/** A machine as rows of name and value. */
export function machineRows({ cpu, cores, quota, memory, node, platform }: Machine): [string, string][] {
  const allowed = quota === null || quota >= cores ? '' : `; a quota allows ${quota.toFixed(1)} of them`;
  return [
    ['Processor', cpu],
    ['Cores', `${cores}${allowed}`],
    ['Memory', gigabytes(memory)],
    ['Node', node],
    ['Platform', platform],
  ];
}
