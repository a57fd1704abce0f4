import { ownIdentity, whyGone } from "../stack/process-identity.ts";
import { openStore } from "../store/open-store.ts";
import type { Store } from "../store/store.ts";
import { channelPair } from "./channel.ts";
import { composeRuntime } from "./compose-runtime.ts";
import type { RuntimePorts } from "./engine.ts";
import type { EngineOptions, FromEngine, ToEngine } from "./messages.ts";
import type { RuntimeHandle, RuntimeListener } from "./runtime-handle.ts";

const KEEP_ALIVE_MS = 60_000;

/** What an engine in the caller's thread gets from outside. */
export interface InlinePorts extends Pick<RuntimePorts, "clock" | "timers" | "random"> {
  /** Puts something around the store, such as one that tells of each change. */
  readonly decorate?: (store: Store) => Store;
}

/**
 * The whole engine in the caller's thread, for tests: the same services on the same ports. What
 * is lost is what threads give: nothing can be killed, and the store's disk blocks the loop.
 */
export async function launchInline(
  options: EngineOptions,
  ports: InlinePorts,
  listener: RuntimeListener,
): Promise<RuntimeHandle> {
  const opened = await openStore(options.storeUrl, ports);
  const store = ports.decorate?.(opened) ?? opened;
  const { left, right } = channelPair<FromEngine, ToEngine>((run) => ports.timers.soon(run));
  left.onMessage((message) => {
    if (message.type !== "started") listener.message(message);
  });
  const engine = await composeRuntime(
    {
      ...ports,
      store,
      client: right,
      supervisor: null,
      identity: ownIdentity(),
      isOwnerDead: whyGone,
    },
    options,
  );
  // No thread holds the process open here, and an open app must, as it does with threads.
  const keepAlive = setInterval(() => undefined, KEEP_ALIVE_MS);
  return {
    send: (message) => left.send(message),
    beating: () => undefined,
    async end(until) {
      const late = new AbortController();
      const leftMs = Math.max(0, until - ports.clock.now());
      const timer = ports.timers.after(leftMs, () => late.abort(), { keepsAlive: true });
      await Promise.all(engine.repeaters.map((repeater) => repeater.stop(late.signal)));
      timer.cancel();
      await engine.ports.store.close();
      left.close();
      clearInterval(keepAlive);
    },
  };
}
