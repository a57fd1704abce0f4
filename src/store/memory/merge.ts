import { Heap } from "./heap.ts";

interface Head<T> {
  value: T;
  readonly rest: Iterator<T>;
}

/** The first `limit` values of several sources that are each in order. O(limit × log sources). */
export function takeMerged<T>(
  sources: readonly Iterator<T>[],
  limit: number,
  isBefore: (a: T, b: T) => boolean,
): T[] {
  const heads = new Heap<Head<T>>({
    isBefore: (a, b) => isBefore(a.value, b.value),
    moved: () => undefined,
  });
  if (limit > 0) {
    for (const rest of sources) {
      const first = rest.next();
      if (first.done !== true) heads.add({ value: first.value, rest });
    }
  }
  const taken: T[] = [];
  for (let head = heads.first(); head !== undefined && taken.length < limit; head = heads.first()) {
    taken.push(head.value);
    const next = head.rest.next();
    if (next.done === true) {
      heads.remove(head, 0);
    } else {
      head.value = next.value;
      heads.resort(head, 0);
    }
  }
  return taken;
}
