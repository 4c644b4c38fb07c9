import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { removeAbandoned, writeAtomically } from '../files/atomic.js';

/** Pictures below one folder that exist whole or not at all, whenever the process ends; a folder for each list. */
export class Store {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Removes what an earlier run that was killed left half written. */
  async clean(lists: readonly string[]): Promise<void> {
    for (const list of ['.', ...lists]) await removeAbandoned(join(this.#folder, list));
  }

  /** @param file path below the folder, with / */
  async keep(file: string, bytes: Uint8Array): Promise<void> {
    await writeAtomically(join(this.#folder, file), bytes);
  }

  async remove(file: string): Promise<void> {
    await rm(join(this.#folder, file), { force: true });
  }

  /** Whether a kept file is there with its bytes. */
  async has(file: string, bytes: number): Promise<boolean> {
    const found = await stat(join(this.#folder, file)).catch(() => undefined);
    return found?.isFile() === true && found.size === bytes;
  }
}
