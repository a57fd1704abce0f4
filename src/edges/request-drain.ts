/** Of the time that a server has to close, what requests under way get before they are cut. */
const REQUESTS_SHARE = 0.5;
/** A connection that was kept alive shows that it is idle only when asked. */
const LOOK_FOR_IDLE_MS = 50;

/** What a server of `node:http` can do, and one of `node:http2` cannot. */
export interface DrainableServer {
  closeIdleConnections?(): void;
  closeAllConnections?(): void;
}

export interface RequestDrain {
  /** When the app has to be closed at the latest, by `performance.now()`. */
  readonly until: number;
  /** The last request is answered. */
  stop(): void;
}

/**
 * Helps a server that has stopped listening to come to its end. A connection that is kept alive
 * would hold it long after its last answer (72 s with Fastify's defaults), and a request that never
 * ends for ever: the first are closed when they get idle, the others after half of the time.
 */
export function drainRequests(
  server: DrainableServer,
  { graceMs, onCut }: { readonly graceMs: number; readonly onCut?: () => void },
): RequestDrain {
  const idle = setInterval(() => server.closeIdleConnections?.(), LOOK_FOR_IDLE_MS);
  const late = setTimeout(() => {
    server.closeAllConnections?.();
    onCut?.();
  }, graceMs * REQUESTS_SHARE);
  return {
    until: performance.now() + graceMs,
    stop: (): void => {
      clearInterval(idle);
      clearTimeout(late);
    },
  };
}
