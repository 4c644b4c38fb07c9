import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Where pictures lie until they are whole; no folder of a list begins with a point. */
const PARTIAL = '.partial';

/** Files below one folder that exist whole or not at all, whenever the process ends. */
export class Store {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Removes what an earlier run that was killed left behind. */
  async clean(): Promise<void> {
    await rm(join(this.#folder, PARTIAL), { recursive: true, force: true });
    await mkdir(join(this.#folder, PARTIAL), { recursive: true });
  }

  /** Writes and syncs a file under a temporary name, which it returns. */
  async write(name: string, bytes: Uint8Array): Promise<string> {
    const temporary = join(this.#folder, PARTIAL, name);
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return temporary;
  }

  /** @param from a name that write gave, or a kept file's. @param file path below the folder, with / */
  async keep(from: string, file: string): Promise<void> {
    const target = join(this.#folder, file);
    await mkdir(dirname(target), { recursive: true });
    await rename(from, target);
  }

  pathOf(file: string): string {
    return join(this.#folder, file);
  }

  async remove(path: string): Promise<void> {
    await rm(path, { force: true });
  }

  /** Whether a kept file is there with its bytes. */
  async has(file: string, bytes: number): Promise<boolean> {
    const found = await stat(join(this.#folder, file)).catch(() => undefined);
    return found?.isFile() === true && found.size === bytes;
  }

  async close(): Promise<void> {
    await rm(join(this.#folder, PARTIAL), { recursive: true, force: true });
  }
}
