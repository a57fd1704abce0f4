/**
 * One end of a two-way line between the parts of the runtime: a MessagePort between threads, a
 * pair of functions when all parts share one. What is sent must be plain data (structured clone).
 */
export interface Channel<Received, Sent> {
  send(message: Sent): void;
  /** Called for each message, in order. Set it once, before the first message can arrive. */
  onMessage(handle: (message: Received) => void): void;
  close(): void;
}

/** Two ends in one thread. Messages arrive in a turn of their own, as they would between threads. */
export function channelPair<A, B>(
  soon: (run: () => void) => void,
): {
  readonly left: Channel<A, B>;
  readonly right: Channel<B, A>;
} {
  let toLeft: (message: A) => void = () => undefined;
  let toRight: (message: B) => void = () => undefined;
  let isOpen = true;
  const deliver = (run: () => void): void => {
    soon(() => {
      if (isOpen) run();
    });
  };
  const close = (): void => {
    isOpen = false;
  };
  return {
    left: {
      send: (message) => deliver(() => toRight(message)),
      onMessage: (handle) => (toLeft = handle),
      close,
    },
    right: {
      send: (message) => deliver(() => toLeft(message)),
      onMessage: (handle) => (toRight = handle),
      close,
    },
  };
}
