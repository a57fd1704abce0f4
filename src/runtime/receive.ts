import { toErrorRecord } from "../core/error-record.ts";
import type { ClaimedJob, JobNumber } from "../core/job.ts";
import { formatJobId } from "../core/job-id.ts";
import { LEASE_MS } from "../core/limits.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import { answerCall } from "./answer-call.ts";
import { type Engine, reportTrouble } from "./engine.ts";
import type { Attempt } from "./executor.ts";
import type { EndMessage, FromSupervisor, ReturnedColumns, ToEngine } from "./messages.ts";
import { drain } from "./shutdown.ts";
import { withdraw } from "./withdraw.ts";

/** One message of the client, answered in the same turn as far as the store is concerned. */
export function receiveFromClient(engine: Engine, message: ToEngine): void {
  switch (message.type) {
    case "work":
      if (message.returned !== null) takeReturned(engine, message.returned);
      takeEnds(engine, message.ends);
      engine.settler.flush();
      engine.renewer.note(message.progress);
      engine.intake.add(message.adds);
      engine.fetcher.look();
      return;
    case "call":
      void answer(engine, message);
      return;
    case "watch":
      engine.watch.watch(message.ids);
      return;
    case "unwatch":
      engine.watch.unwatch(message.ids);
      return;
    case "held":
      engine.executor.adopt(message.jobs);
      return;
    case "await":
      engine.waits.begin("client", message);
      return;
    case "unawait":
      engine.waits.end("client", message.call);
      return;
    case "bodiesEnded":
      for (const id of message.ids) hasten(engine, id);
      return;
  }
}

function takeReturned(engine: Engine, { ids, tokens, results }: ReturnedColumns): void {
  const unknown: EndMessage[] = [];
  for (let index = 0; index < ids.length; index++) {
    const lease = { id: ids[index] ?? 0, token: tokens[index] ?? 0 };
    const end = { kind: "returned", result: results?.[index] ?? null, problem: null } as const;
    const attempt = engine.executor.ended(lease, "returned");
    if (attempt === undefined) unknown.push({ ...lease, end });
    else engine.settler.add(attempt, end);
  }
  if (unknown.length > 0) void takeUnknown(engine, unknown);
}

function takeEnds(engine: Engine, ends: readonly EndMessage[]): void {
  const unknown: EndMessage[] = [];
  for (const message of ends) {
    const attempt = engine.executor.ended(message, message.end.kind);
    if (attempt === undefined) unknown.push(message);
    else takeEnd(engine, attempt, message.end);
  }
  if (unknown.length > 0) void takeUnknown(engine, unknown);
}

function takeEnd(engine: Engine, attempt: Attempt, end: AttemptEnd): void {
  engine.settler.add(attempt, end);
  if (end.kind !== "timedOut") return;
  if (end.bodyRunsOn) engine.overlaps.note(attempt);
  reportTimeout(engine, attempt);
}

/**
 * Ends of attempts that this engine did not begin: one that died did, and the store still has
 * their leases. For an attempt that lost its lease the store has another token, and it is dropped.
 */
async function takeUnknown(engine: Engine, ends: readonly EndMessage[]): Promise<void> {
  const { executor, ports, settler, fetcher } = engine;
  try {
    const records = await ports.store.get(ends.map(({ id }) => id));
    const tokens = new Map(ends.map(({ id, token }) => [id, token]));
    const held = records.filter(
      ({ id, state, token }) => state === "leased" && token === tokens.get(id),
    );
    executor.adopt(held.map((record) => ({ ...record, payload: "" })));
    for (const message of ends) {
      const attempt = executor.ended(message, message.end.kind);
      if (attempt !== undefined) takeEnd(engine, attempt, message.end);
    }
    settler.flush();
    fetcher.look();
  } catch (error) {
    // Their leases run out, and they run again.
    reportTrouble(ports.client, "settler", error);
  }
}

function reportTimeout(
  engine: Engine,
  { job, facts }: { job: ClaimedJob; facts: { timeoutMs: number } },
): void {
  const data = { task: job.task, jobId: formatJobId(job.id), timeoutMs: facts.timeoutMs };
  engine.ports.client.send({ type: "event", event: { name: "timeout", data } });
}

async function answer(
  engine: Engine,
  { call, request }: ToEngine & { type: "call" },
): Promise<void> {
  const { client } = engine.ports;
  try {
    const value =
      request.name === "drain"
        ? await drain(engine, request.until)
        : await answerCall(engine, request);
    client.send({ type: "answer", call, answer: value });
  } catch (error) {
    client.send({ type: "refusal", call, error: toErrorRecord(error) });
  }
}

/** The body of a timed-out attempt has ended: its retry need no longer wait for it. */
function hasten(engine: Engine, id: JobNumber): void {
  const { store, clock, client } = engine.ports;
  const runAt = engine.overlaps.bodyEnded(id);
  store.hasten([id], runAt, clock.now() + LEASE_MS).then(
    () => engine.waker.noteDue(runAt),
    (error: unknown) => reportTrouble(client, "waker", error),
  );
}

/** Ends, progress and enqueues of the handlers on threads and in processes. */
export function receiveFromSupervisor(engine: Engine, message: FromSupervisor): void {
  switch (message.type) {
    case "ends":
      takeEnds(engine, message.ends);
      engine.settler.flush();
      engine.fetcher.look();
      return;
    case "progress":
      engine.renewer.note(message.progress);
      return;
    case "add":
      engine.threadAdds.add(message);
      return;
    case "await":
      engine.waits.begin(message.thread, message);
      return;
    case "unawait":
      engine.waits.end(message.thread, message.call);
      return;
    case "standing":
      engine.executor.setStanding(message.lane, message.count);
      engine.fetcher.noteStanding(message.lane);
      return;
    case "broken":
      engine.executor.closeLane(message.lane);
      void withdraw(engine, message.data);
      engine.ports.client.send({ type: "event", event: { name: "broken", data: message.data } });
      return;
    case "log":
    case "event":
      engine.ports.client.send(message);
      return;
    case "held":
      engine.executor.adopt(message.jobs);
      return;
  }
}
