/** One producer that awaits each put, and one consumer, over a bounded queue. */
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { countSetting, report, setting, verify } from "../measure/probe.ts";
import { aPipe } from "./pipe-contender.ts";

const items = countSetting("items");
const contender = setting("contender");

await run(items / 10);
const cpu = process.cpuUsage();
const beganAt = monotonicMs();
await run(items);
const elapsedMs = monotonicMs() - beganAt;
const { user, system } = process.cpuUsage(cpu);
report({ opsPerS: (items / elapsedMs) * 1e3, cpuUsPerItem: (user + system) / items });

async function run(count: number): Promise<void> {
  const { put, takeAll, end } = aPipe(contender);
  let next = 0;
  let isInOrder = true;
  const taken = takeAll((value) => {
    isInOrder &&= value === next;
    next++;
  });
  for (let value = 0; value < count; value++) await put(value);
  end();
  await taken;
  verify(next === count && isInOrder, `${next} of ${count} items came, as they were put`);
}
