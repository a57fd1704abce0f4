/** How a call that takes a lock becomes a flow, and how its caller gets the guard. */
import { SITE_FRAMES_MAX } from "../core/limits.ts";
import type { CallSite } from "./call-site.ts";
import { canFollowFlows, enterFlow, Flow } from "./flow.ts";
import type { Guard } from "./guard.ts";
import { captureStack } from "./stack-frames.ts";
import { Stand } from "./stand.ts";

/** The flow of a function that takes a lock, from here on; none when its place is not noted. */
export function enterLockFlow(site: CallSite | undefined): Flow | undefined {
  if (site === undefined || !canFollowFlows) return undefined;
  const flow = new Flow(new Stand(site));
  enterFlow(flow);
  return flow;
}

/** For a lock flow, notes who awaits the call by the time it has its lock. */
export function withChain(granted: Guard | Promise<Guard>, flow: Flow | undefined): Promise<Guard> {
  if (flow?.stand === undefined) return Promise.resolve(granted);
  const { promise, resolve, reject } = Promise.withResolvers<Guard>();
  // With these two and nothing else, the await chain leads from the one promise to the other.
  deliver(granted, resolve).then(resolve, reject);
  return promise;
}

async function deliver(
  granted: Guard | Promise<Guard>,
  resolve: (guard: Guard) => void,
): Promise<Guard> {
  const guard = await granted;
  guard.deliver({ resolve, chain: captureStack(SITE_FRAMES_MAX, deliver) });
  return guard;
}
