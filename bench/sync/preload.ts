/** All items are queued first, then worked off. Run with --expose-gc. */
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { countSetting, report, setting, verify } from "../measure/probe.ts";
import { loadContender } from "./contender.ts";

const WARM_UP_ITEMS = 10_000;
const items = countSetting("items");
const { gc } = globalThis;
// Without it what the warm-up left behind would count as held before, and the items as less.
verify(gc !== undefined, "there is no --expose-gc");
const { ask, pause, resume } = await loadContender(setting("contender"));

await Promise.all(Array.from({ length: WARM_UP_ITEMS }, (_, index) => ask(index)));
pause();
const asked: Promise<unknown>[] = Array.from({ length: items });
gc?.();
const heapBefore = process.memoryUsage().heapUsed;
const beganAt = monotonicMs();
for (let index = 0; index < items; index++) asked[index] = ask(index);
const queueMs = monotonicMs() - beganAt;
gc?.();
const bytes = process.memoryUsage().heapUsed - heapBefore;
const resumedAt = monotonicMs();
resume();
await Promise.all(asked);
const workMs = monotonicMs() - resumedAt;
report({
  opsPerS: (items / (queueMs + workMs)) * 1e3,
  queuedPerS: (items / queueMs) * 1e3,
  bytesPerItem: bytes / items,
});
