const SIGNALS = ["SIGTERM", "SIGINT"] as const;
/** The exit code of a process that was interrupted. */
const INTERRUPTED = 130;

/**
 * Closes on the first SIGTERM or SIGINT and then lets the signal do what it does by default; a
 * second one does not wait for the grace. Answers how to stop listening.
 */
export function closeOnSignals(close: () => Promise<void>): () => void {
  let hasBegun = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (hasBegun) process.exit(INTERRUPTED);
    hasBegun = true;
    void close().finally(() => process.kill(process.pid, signal));
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}
