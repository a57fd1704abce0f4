/** Median time of `starts` fresh processes from their start to the answer of `module`. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { countSetting, report, setting } from "../measure/probe.ts";
import { median } from "../statistics.ts";

const module = fileURLToPath(new URL(setting("module"), import.meta.url));
const cwd = setting("folder");

const timesMs: number[] = [];
for (let start = 0; start < countSetting("starts"); start++) {
  const child = fork(module, { cwd, execArgv: [] });
  const closed = once(child, "close");
  child.once("message", (ms) => timesMs.push(Number(ms)));
  const [code] = await closed;
  if (code !== 0) throw new Error(`${module} ended with ${code}`);
}
report({ startMs: median(timesMs) });
