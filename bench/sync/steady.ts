/**
 * 1,000 producers that each await their item before the next: never more than 1,000 outstanding. A
 * quarter as many items go first and are not measured: after fewer the compiler is still at work,
 * and the first half second says more about the size of the code than about its speed.
 */
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { countSetting, report, setting, verify } from "../measure/probe.ts";
import { loadContender } from "./contender.ts";

const PRODUCERS = 1_000;
const items = countSetting("items");
const { ask } = await loadContender(setting("contender"));

let answeredCount = 0;
await produce(items / 4);
answeredCount = 0;
const cpu = process.cpuUsage();
const beganAt = monotonicMs();
await produce(items);
const elapsedMs = monotonicMs() - beganAt;
const { user, system } = process.cpuUsage(cpu);
verify(answeredCount === items, `${answeredCount} of ${items} items were answered`);
report({ opsPerS: (items / elapsedMs) * 1e3, cpuUsPerItem: (user + system) / items });

async function produce(count: number): Promise<void> {
  let left = count;
  const producer = async (): Promise<void> => {
    while (left > 0) {
      left--;
      await ask(left);
      answeredCount++;
    }
  };
  await Promise.all(Array.from({ length: PRODUCERS }, producer));
}
