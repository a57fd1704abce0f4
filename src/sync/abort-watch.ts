/**
 * Tells a wait of its signal's abort, until the answer is called. The signal is the caller's, and its
 * methods may be patched: what they throw is the end of that wait alone. Whoever lets it go is in the
 * middle of something, and goes on.
 */
export function watchAbort(
  signal: AbortSignal | undefined,
  refuse: (reason: unknown) => void,
): () => void {
  if (signal === undefined) return () => undefined;
  const onAbort = (): void => refuse(signal.reason);
  try {
    signal.addEventListener("abort", onAbort, { once: true });
  } catch (error) {
    refuse(error);
  }
  return () => letGo(signal, onAbort);
}

/** Takes a listener off whose work is done: it is harmless where that fails, and is called again. */
export function letGo(signal: AbortSignal, onAbort: () => void): void {
  try {
    signal.removeEventListener("abort", onAbort);
  } catch {
    // What it was for is over already: the next abort changes nothing.
  }
}
