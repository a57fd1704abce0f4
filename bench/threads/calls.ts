/** A number of callers that each await their call before they make the next, for a while. */
import { Meter } from "../measure/meter.ts";
import { countSetting, report, setting, verify } from "../measure/probe.ts";
import { loadContender } from "./contender.ts";
import { payload } from "./payload.ts";

const callers = countSetting("callers");
const value = payload(setting("payload"));
const pool = await loadContender(setting("contender"), countSetting("threads"));
const call =
  value === undefined ? (): Promise<unknown> => pool.increment({ a: 1 }) : () => pool.echo(value);

const first = JSON.stringify(await call());
verify(value !== undefined || first === '{"b":2}', `the first answer is ${first}`);
await callFor(countSetting("warmUpMs"));
const meter = await Meter.begin();
const count = await callFor(countSetting("measureMs"));
const { opsPerS, cpuUsPerJob, loopDelayP99Ms, loopDelayMaxMs } = await meter.stop(count);
report({ opsPerS, cpuUsPerJob, loopDelayP99Ms, loopDelayMaxMs });

async function callFor(durationMs: number): Promise<number> {
  const until = performance.now() + durationMs;
  let answered = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < until) {
      await call();
      answered++;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return answered;
}
