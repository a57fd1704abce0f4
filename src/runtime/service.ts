/**
 * Anything that runs in the background: fetcher, renewer, waker, pruner, thread lane. Services
 * are started in order and stopped in reverse by `composeRuntime`.
 */
export interface Service {
  readonly name: string;

  /** Begins its work. Throws, having cleaned up, when it cannot. */
  start(): void;

  /**
   * Takes no new work and resolves when what it had begun is over. Safe to call twice, and on a
   * service that never started. When `signal` aborts, it gives up what is left and resolves
   * promptly: the leases of unfinished jobs run out on their own.
   */
  stop(signal: AbortSignal): Promise<void>;
}
