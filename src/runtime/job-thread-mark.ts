const MARK: unique symbol = Symbol.for("unjam.jobThread");

/** Says that this thread runs jobs, to any copy of the package that is loaded in it. */
export function markJobThread(): void {
  Reflect.set(globalThis, MARK, true);
}

export function isJobThread(): boolean {
  return Reflect.get(globalThis, MARK) === true;
}
