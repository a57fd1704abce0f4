/** piscina: run call to the start of the function in its thread. Nothing is stored. */
import { Piscina } from "piscina";
import { countSetting, report } from "../measure/probe.ts";
import { StartTimes } from "./paced-jobs.ts";

const times = new StartTimes();
const pool = new Piscina<undefined, number>({
  filename: new URL("piscina-instant.ts", import.meta.url).href,
  minThreads: 1,
  maxThreads: 1,
});
const metrics = await times.measure({
  jobs: countSetting("jobs"),
  jobsPerS: countSetting("jobsPerS"),
  send: async (index) => times.started(index, await pool.run(undefined)),
});
report(metrics);
