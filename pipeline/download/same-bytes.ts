/** An address that answered with some picture. */
export interface Holder {
  readonly key: string;
  readonly address: string;
  /** Of the lists: the first holder keeps the picture. */
  readonly order: number;
}

/** What an address calls its picture: copies on other hosts mostly keep the name, other pictures have others. */
function nameOf(address: string): string | undefined {
  if (!/^https?:/i.test(address) || !URL.canParse(address)) return undefined;
  const { host, pathname, search } = new URL(address);
  const last = pathname.slice(pathname.lastIndexOf('/') + 1);
  return (last === '' ? host + pathname + search : last + search).toLowerCase();
}

/** The addresses that answered with one and the same bytes. */
export class SameBytes {
  readonly #holders = new Map<string, Holder>();

  add(holder: Holder): void {
    this.#holders.set(holder.key, holder);
  }

  /** The first of the lists. */
  get keeper(): Holder | undefined {
    return [...this.#holders.values()].toSorted((a, b) => a.order - b.order)[0];
  }

  get holders(): readonly Holder[] {
    return [...this.#holders.values()];
  }

  /**
   * Whether this is what a host shows in place of many pictures: it was the answer to at least `unrelated` addresses
   * with different file names (the last part of the path and the query), on whatever hosts. One picture copied from
   * site to site keeps its file name, and counts once.
   */
  isPlaceholder(unrelated: number): boolean {
    const names = new Set(this.holders.map(({ address }) => nameOf(address)).filter((name) => name !== undefined));
    return names.size >= unrelated;
  }
}
