import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { monotonicMs } from "./monotonic-ms.ts";

/** USER_HZ, which Linux fixes at 100 for /proc on every architecture that Node runs on. */
const MS_PER_TICK = 10;

/** The share of one core, in percent, that all threads of this process use while it does nothing. */
export async function idleCpuPercent(durationMs: number): Promise<number> {
  const startedAt = monotonicMs();
  const ticks = cpuTicks();
  await sleep(durationMs);
  return (((cpuTicks() - ticks) * MS_PER_TICK) / (monotonicMs() - startedAt)) * 100;
}

function cpuTicks(): number {
  const stat = readFileSync("/proc/self/stat", "utf8");
  // The second field is the command in brackets and may hold spaces: count from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
