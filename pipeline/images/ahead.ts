/**
 * Applies an asynchronous function to each item and yields the results in order. The first `window` are begun at once,
 * and so many are under way from then on: the next photographs are read and decoded while the stack is busy with the
 * last, and memory stays bounded.
 */
export function ahead<Item, Result>(
  items: Iterable<Item>,
  window: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const iterator = items[Symbol.iterator]();
  const running: Promise<Result>[] = [];
  const begin = (): void => {
    const next = iterator.next();
    if (next.done === true) return;
    const result = work(next.value);
    result.catch(() => undefined); // it is thrown where it is awaited below
    running.push(result);
  };
  for (let i = 0; i < window; i++) begin();
  return (async function* results() {
    for (let first = running.shift(); first !== undefined; first = running.shift()) {
      begin();
      yield await first;
    }
  })();
}
