/** Callers that take one lock and let go of it, again and again; one caller never waits. */
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { countSetting, report, setting, verify } from "../measure/probe.ts";
import { aLock } from "./lock-contender.ts";

const callers = countSetting("callers");
const passes = countSetting("passes");
const pass = aLock(setting("contender"));

let passedCount = 0;
await run(passes / 10);
passedCount = 0;
const cpu = process.cpuUsage();
const beganAt = monotonicMs();
await run(passes);
const elapsedMs = monotonicMs() - beganAt;
const { user, system } = process.cpuUsage(cpu);
verify(passedCount === passes, `${passedCount} of ${passes} times the lock was had`);
report({ opsPerS: (passes / elapsedMs) * 1e3, cpuUsPerItem: (user + system) / passes });

async function run(count: number): Promise<void> {
  let left = count;
  const caller = async (): Promise<void> => {
    while (left > 0) {
      left--;
      await pass();
      passedCount++;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
}
