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
  verify(isUnjamError(error, "UNJAM_CALL_TIMEOUT"), `the call ended with ${String(error)}`);
  beginsMs.push((await next) - deadlineAt);
  endChild(error.message);
}
report({ rejectedMs: middle(endsMs), nextMs: middle(beginsMs), nextMaxMs: Math.max(...beginsMs) });

/** No thread can be ended while it waits for its child, and no process while a thread of it does. */
function endChild(message: string): void {
  const pid = /\(process (\d+)\)/.exec(message)?.[1];
  verify(trap !== "child" || pid !== undefined, `no child process is named in: ${message}`);
  if (pid !== undefined) process.kill(Number(pid));
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
