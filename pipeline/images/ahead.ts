/**
 * Applies an asynchronous function to each item and yields the results in order, with at most `window` under way: the
 * next photographs are read and decoded while the stack is busy with the last, and memory stays bounded.
 */
export async function* ahead<Item, Result>(
  items: Iterable<Item>,
  window: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = [];
  for (const item of items) {
    const result = work(item);
    result.catch(() => undefined); // it is thrown where it is awaited below
    running.push(result);
    const first = running.length >= window ? running.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  for (const result of running) yield await result;
}
