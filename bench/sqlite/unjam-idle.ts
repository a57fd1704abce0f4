/** What an open app with workers and nothing to do costs. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { open, task } from "unjam";
import { idleCpuPercent } from "../measure/idle-cpu.ts";
import { countSetting, report, setting } from "../measure/probe.ts";
import { type ImageJob, imageJob } from "./payload.ts";

/** Start-up, the first job and its garbage are over by then. */
const CALM_DOWN_MS = 2_000;

const noop = task("noop", {}, async (_input: ImageJob) => {});
const app = await open({ store: `sqlite:${join(setting("folder"), "jobs.db")}`, tasks: [noop] });
const job = await app.enqueue(noop, imageJob(1));
await job.result({ waitMs: 10_000 });
await sleep(CALM_DOWN_MS);
const cpuPercent = await idleCpuPercent(countSetting("idleMs"));
await app.close();
report({ cpuPercent });
