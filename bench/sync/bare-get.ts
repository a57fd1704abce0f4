/** The raw limit of `get-cost.ts`: an array of items and one of those who wait. No bound, no leases. */
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { countSetting, report } from "../measure/probe.ts";

const items = countSetting("items");
const queued: number[] = [];
const waiting: ((value: number) => void)[] = [];

await pass(items / 10);
const beganAt = monotonicMs();
await pass(items);
report({ opsPerS: (items / (monotonicMs() - beganAt)) * 1e3 });

async function pass(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await put(index);
    await get();
  }
}

async function put(value: number): Promise<void> {
  const taker = waiting.shift();
  if (taker === undefined) queued.push(value);
  else taker(value);
}

function get(): Promise<number> {
  const value = queued.shift();
  if (value !== undefined) return Promise.resolve(value);
  return new Promise((resolve) => void waiting.push(resolve));
}
