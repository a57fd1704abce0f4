/** What a Node process with nothing but a timer costs: the ground that unjam-idle stands on. */
import { setTimeout as sleep } from "node:timers/promises";
import { idleCpuPercent } from "../measure/idle-cpu.ts";
import { countSetting, report } from "../measure/probe.ts";

await sleep(2_000);
report({ cpuPercent: await idleCpuPercent(countSetting("idleMs")) });
