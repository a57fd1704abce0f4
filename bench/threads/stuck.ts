/** A pool of one thread whose call never comes back: how long after its deadline the next one begins. */
import { isUnjamError, ThreadPool } from "unjam/threads";
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { countSetting, report, setting, verify } from "../measure/probe.ts";
import type * as work from "./work.ts";

const TIMEOUT_MS = 500;
const module = new URL("./work.ts", import.meta.url);
const pool = new ThreadPool<typeof work>({ module, threads: 1 });
const rounds = countSetting("rounds");
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the suite names only traps.
const trap = setting("trap") as work.Trap;
const endsMs: number[] = [];
const beginsMs: number[] = [];

for (let round = 0; round < rounds; round++) {
  await pool.call.instant();
  const deadlineAt = monotonicMs() + TIMEOUT_MS;
  const stuck = pool.call.hang(trap, { timeoutMs: TIMEOUT_MS });
  const next = pool.call.instant();
  const error: unknown = await stuck.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  endsMs.push(monotonicMs() - deadlineAt);
  const isLate = isUnjamError(error, "UNJAM_CALL_TIMEOUT");
  verify(isLate, `the call ended with ${String(error)}`);
  beginsMs.push((await next) - deadlineAt);
  if (isLate && trap === "child")
    endChild(String(error.details.stuck?.native && error.details.stuck.child));
}
report({ rejectedMs: middle(endsMs), nextMs: middle(beginsMs), nextMaxMs: Math.max(...beginsMs) });

/** No thread can be ended while it waits for its child, and no process while a thread of it does. */
function endChild(child: string): void {
  const pid = Number(/\(process (\d+)\)/.exec(child)?.[1]);
  verify(pid > 0, `the child process was not named, but ${child}`);
  process.kill(pid);
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
