import { readFile, stat, statfs } from 'node:fs/promises';
import { arch, freemem } from 'node:os';
import { dirname, resolve } from 'node:path';
import { FEATURE_LENGTH } from '../backbone/vgg16.js';
import { gigabytes, thisMachine } from '../machine.js';
import type { Check } from './check.js';

/** Instruction sets that the engines' kernels are written for, by the kernel's names. */
const X86 = ['sse4_2', 'avx', 'avx2', 'fma', 'f16c', 'avx512f', 'avx512_vnni', 'avx_vnni', 'amx_int8'];
const ARM = ['asimd', 'asimddp', 'i8mm', 'bf16', 'sve'];

function numbers(text: string): number[] {
  return (text.match(/\d+/g) ?? []).map(Number);
}

/** @param wanted from package.json, e.g. ">=20.19" */
export function nodeCheck(version: string, wanted: string): Check {
  const [major = 0, minor = 0] = numbers(version);
  const [leastMajor = 0, leastMinor = 0] = numbers(wanted);
  const found = `${version}, ${process.platform} ${arch()}`;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return { name: 'Node', status: 'ok', found };
  return { name: 'Node', status: 'problem', found, fix: `Install Node ${wanted.replace('>=', '')} or later.` };
}

/** @param quota cores that a container may use, where one is set */
export function coresCheck(cores: number, model: string, quota: number | null): Check {
  const found = `${cores}, ${model}`;
  if (quota === null || quota >= cores) return { name: 'Cores', status: 'ok', found };
  const fix = 'Threads beyond a quota wait for each other: start the container with as many cores as it shows.';
  return { name: 'Cores', status: 'warning', found: `${found}; a quota allows ${quota.toFixed(1)} of them`, fix };
}

/** @param cpuinfo Linux' /proc/cpuinfo; '' elsewhere */
export function instructionsCheck(cpuinfo: string, architecture: string): Check {
  const name = 'Instructions';
  const flags = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/));
  if (flags.size === 0) return { name, status: 'note', found: `${architecture}; the system does not list them` };
  const found = [...X86, ...ARM].filter((flag) => flags.has(flag)).join(' ');
  if (architecture !== 'x64' || flags.has('avx2')) return { name, status: 'ok', found };
  const fix = 'Without avx2 the engines are much slower; TensorFlow does not start without avx.';
  return { name, status: 'warning', found: found === '' ? 'none of those that matter' : found, fix };
}

/** Activations of a batch, weights and Node itself fit below this. */
const LITTLE_MEMORY = 1e9;

export function memoryCheck(total: number, available: number): Check {
  const found = `${gigabytes(available)} of ${gigabytes(total)} available`;
  if (available >= LITTLE_MEMORY) return { name: 'Memory', status: 'ok', found };
  return { name: 'Memory', status: 'warning', found, fix: 'Close other programs before pool5 extract.' };
}

const FEATURE_BYTES = FEATURE_LENGTH * Float32Array.BYTES_PER_ELEMENT;
const LITTLE_DISK = 1e9;

export function diskCheck(folder: string, free: number): Check {
  const count = Math.floor(free / FEATURE_BYTES).toLocaleString('en');
  const found = `${gigabytes(free)} free for ${folder}: features of ${count} photographs`;
  if (free >= LITTLE_DISK) return { name: 'Disk', status: 'ok', found };
  return { name: 'Disk', status: 'warning', found, fix: 'Make room, or name a folder elsewhere with --features.' };
}

async function textOr(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

async function nearestFolder(path: string): Promise<string> {
  let folder = resolve(path);
  while ((await stat(folder).catch(() => undefined)) === undefined && dirname(folder) !== folder)
    folder = dirname(folder);
  return folder;
}

/** Looks at this machine. @param features the folder whose disk matters */
export async function machineChecks(features: string, wantedNode: string): Promise<Check[]> {
  const { cpu, cores, quota, memory } = await thisMachine();
  const { bavail, bsize } = await statfs(await nearestFolder(features));
  return [
    nodeCheck(process.version, wantedNode),
    coresCheck(cores, cpu, quota),
    instructionsCheck(await textOr('/proc/cpuinfo'), arch()),
    memoryCheck(memory, Math.min(memory, await availableMemory())),
    diskCheck(features, bavail * bsize),
  ];
}

/** What programs can still get: Linux' own estimate counts caches that it would give up, unlike freemem. */
async function availableMemory(): Promise<number> {
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(await textOr('/proc/meminfo'))?.[1];
  return kilobytes === undefined ? freemem() : Number(kilobytes) * 1024;
}
