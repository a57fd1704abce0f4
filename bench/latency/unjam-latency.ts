/** unjam: enqueue call to the start of a loop handler, in one process. */
import { join } from "node:path";
import { open, task } from "unjam";
import { countSetting, report, setting } from "../measure/probe.ts";
import { StartTimes } from "./paced-jobs.ts";

const times = new StartTimes();
const mark = task("mark", {}, async ({ index }: { readonly index: number }) =>
  times.started(index),
);

const store =
  setting("store") === "memory" ? "memory:" : `sqlite:${join(setting("folder"), "jobs.db")}`;
const app = await open({ store, tasks: [mark] });
const metrics = await times.measure({
  jobs: countSetting("jobs"),
  jobsPerS: countSetting("jobsPerS"),
  send: (index) => app.enqueue(mark, { index }),
});
await app.close();
report(metrics);
