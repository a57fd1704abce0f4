import type { MessagePort, Worker } from "node:worker_threads";
import type { Channel } from "./channel.ts";

/** A port, or a Worker seen from its parent, as a channel. */
export function portChannel<Received, Sent>(
  port: Pick<MessagePort | Worker, "postMessage" | "on">,
  close: () => void = () => undefined,
): Channel<Received, Sent> {
  let handle: (message: Received) => void = () => undefined;
  port.on("message", (message: Received) => handle(message));
  return {
    send: (message) => port.postMessage(message),
    onMessage: (given) => (handle = given),
    close,
  };
}
