import type { MessagePort, Worker } from "node:worker_threads";
import type { Channel } from "./channel.ts";

/**
 * A port, or a Worker seen from its parent, as a channel. What arrives before somebody listens is
 * kept: a thread that has just been started needs a while to open its store.
 */
export function portChannel<Received, Sent>(
  port: Pick<MessagePort | Worker, "postMessage" | "on">,
  close: () => void = () => undefined,
): Channel<Received, Sent> {
  let handle: ((message: Received) => void) | undefined;
  const early: Received[] = [];
  port.on("message", (message: Received) => {
    if (handle === undefined) early.push(message);
    else handle(message);
  });
  return {
    send: (message) => port.postMessage(message),
    onMessage(given) {
      handle = given;
      for (const message of early.splice(0)) given(message);
    },
    close,
  };
}
