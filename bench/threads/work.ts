/** What the pools under test run. */
export function increment({ a }: { readonly a: number }): { b: number } {
  return { b: a + 1 };
}

export function echo<T>(value: T): T {
  return value;
}

/** Never comes back. */
export function hang(): void {
  for (;;);
}

/** When it was called: the clock that all threads share. */
export function instant(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
