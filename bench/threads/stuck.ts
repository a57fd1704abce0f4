/** A pool of one thread whose call never comes back: how long after its deadline the next one begins. */
import { ThreadPool } from "unjam/threads";
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { countSetting, report, verify } from "../measure/probe.ts";
import type * as work from "./work.ts";

const TIMEOUT_MS = 500;
const module = new URL("./work.ts", import.meta.url);
const pool = new ThreadPool<typeof work>({ module, threads: 1 });
const rounds = countSetting("rounds");
const endsMs: number[] = [];
const beginsMs: number[] = [];

for (let round = 0; round < rounds; round++) {
  await pool.call.instant();
  const deadlineAt = monotonicMs() + TIMEOUT_MS;
  const stuck = pool.call.hang(undefined, { timeoutMs: TIMEOUT_MS });
  const next = pool.call.instant();
  const code = await stuck.then(
    () => "none",
    (error: { code: string }) => error.code,
  );
  verify(code === "UNJAM_CALL_TIMEOUT", `the call ended with ${code}`);
  endsMs.push(monotonicMs() - deadlineAt);
  beginsMs.push((await next) - deadlineAt);
}
report({ rejectedMs: middle(endsMs), nextMs: middle(beginsMs), nextMaxMs: Math.max(...beginsMs) });

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
