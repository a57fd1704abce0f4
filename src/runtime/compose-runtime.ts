/**
 * The engine: everything that makes jobs run except the handlers themselves. It is composed here
 * from its services and lives in the store thread; with `runtime: "inline"` and in simulation the
 * same composition runs in the caller's thread, on other ports.
 *
 * In one turn, a message from the client is turned into a settle, an add and a claim, submitted
 * to the store together, so that they share one commit.
 */
import type { ClaimedJob, JobNumber, Lease, OwnerId } from "../core/job.ts";
import {
  KEEP_DONE_COUNT_MAX,
  LEASE_MS,
  OPEN_MS_MAX,
  OWNER_BEAT_MS,
  POLL_ALONE_MS,
  POLL_SHARED_MS,
  POLL_WAITING_MS,
  PRUNE_JOBS_MAX,
  PRUNE_MS,
  SHARED_FOR_MS,
} from "../core/limits.ts";
import { type Engine, type RuntimePorts, reportTrouble } from "./engine.ts";
import { Executor, type Lane } from "./executor.ts";
import { Fetcher } from "./fetcher.ts";
import { Intake } from "./intake.ts";
import { aloneLane, crewLane, loopLane } from "./lanes.ts";
import { JobWaits, type Target } from "./job-waits.ts";
import type { AwaitedMessage, EngineOptions } from "./messages.ts";
import { OverflowReport } from "./overflow-report.ts";
import { Overlaps } from "./overlaps.ts";
import { receiveFromClient, receiveFromSupervisor } from "./receive.ts";
import { Renewer } from "./renewer.ts";
import { Repeater } from "./repeater.ts";
import { ResultWatch } from "./result-watch.ts";
import { Settler } from "./settler.ts";
import { TAKE_OVER_MS, takeOver } from "./take-over.ts";
import { ThreadAdds } from "./thread-adds.ts";
import { Waker } from "./waker.ts";

/** Joins the store, starts all services, and answers the client's messages from then on. */
export async function composeRuntime(ports: RuntimePorts, options: EngineOptions): Promise<Engine> {
  const { clock, store, client } = ports;
  const hasWork = options.loopSlots + options.threadSlots + options.processSlots > 0;
  const owner = await store.join(
    { ...ports.identity, label: options.label, queues: hasWork ? options.queues : [] },
    clock.now() + OPEN_MS_MAX,
  );
  const engine = buildEngine(ports, { ...options, owner });
  if (options.replaces !== null) {
    await store.leave(
      options.replaces,
      "its store thread was restarted",
      clock.now() + OPEN_MS_MAX,
    );
  }
  client.onMessage((message) => receiveFromClient(engine, message));
  ports.supervisor?.onMessage((message) => receiveFromSupervisor(engine, message));
  engine.settler.start();
  for (const repeater of engine.repeaters) repeater.start();
  engine.fetcher.start();
  client.send({ type: "started", owner });
  if (options.replaces !== null) ports.timers.after(TAKE_OVER_MS, () => void takeOver(engine));
  return engine;
}

function buildEngine(
  ports: RuntimePorts,
  options: EngineOptions & { readonly owner: OwnerId },
): Engine {
  const { store, client } = ports;
  const onError = (name: string, error: unknown): void => reportTrouble(client, name, error);
  const executor = new Executor(ports.clock, options.tasks, lanesOf(ports, options));
  const tools = { ...ports, executor, onError };
  const watch = new ResultWatch({
    ...{ store, onError },
    tell: (records, gone) => client.send({ type: "settled", records, gone }),
  });
  const waits = new JobWaits({
    ...tools,
    answer: (origin, call, outcome) =>
      answerWait(ports, origin, { type: "awaited", call, outcome }),
    onChange: (ids) => {
      ports.supervisor?.send({ type: "preferred", ids });
      fetcher.noteTargets();
    },
  });
  const onSettled = (ids: readonly JobNumber[]): void => {
    watch.settled(ids);
    waits.settled(ids);
  };
  const settler = new Settler({
    ...tools,
    onSettled,
    onRetry: (runAt) => waker.noteDue(runAt),
    onLost: () => fetcher.noteAll(),
  });
  const overflow = overflowReport(ports, () => intake);
  const intake = new Intake({
    ...tools,
    answer: (message) => {
      if (message.batch < 0) threadAdds.answered(message);
      else client.send(message);
    },
    onAdding: (queue) => fetcher.noteReady(queue),
    onDelayed: (runAt) => waker.noteDue(runAt),
    ...overflow.listeners(onSettled),
  });
  const threadAdds = new ThreadAdds(ports, (requests) => intake.add(requests));
  const { owner, tasks, queues } = options;
  const onClaimed = (jobs: readonly ClaimedJob[]): void => freeRooms(intake, jobs);
  const targets = (): Target[] => waits.targets();
  const fetcher = new Fetcher({ ...tools, owner, tasks, queues, onClaimed, targets });
  const renewer = new Renewer({ ...tools, settler });
  const woken = (isNews: boolean): void => lookAround({ fetcher, intake, watch, waits }, isNews);
  const lost = (leases: readonly Lease[]): void => executor.abort(leases, "lost");
  const waker = new Waker({ ...tools, owner, on: { woken, settled: onSettled, lost } });
  const stores = { settler, renewer, intake, watch, waits, waker };
  const parts = { ports, owner, queues, executor, fetcher, ...stores };
  const services = [renewer.repeater, waker.repeater, ...upkeep(parts, onError)];
  return { ...parts, threadAdds, overlaps: new Overlaps(ports), repeaters: services };
}

/** Each round of the waker: something may have come about that nobody said. */
function lookAround(
  { fetcher, intake, watch, waits }: Pick<Engine, "fetcher" | "intake" | "watch" | "waits">,
  isNews: boolean,
): void {
  // Without news it still tries again what failed before.
  if (isNews) fetcher.noteAll();
  else fetcher.look();
  intake.lookAgain();
  watch.lookAtAll();
  waits.lookAtAll();
}

/** To where the handler runs that waited. */
function answerWait(
  { client, supervisor }: RuntimePorts,
  origin: number | "client",
  message: AwaitedMessage,
): void {
  if (origin === "client") client.send(message);
  else supervisor?.send({ ...message, thread: origin });
}

/** Events and lines of the log for the client. */
function overflowReport(
  { clock, timers, client }: RuntimePorts,
  waiters: () => Intake,
): OverflowReport {
  return new OverflowReport({
    ...{ clock, timers, waiters },
    tell: (data) => client.send({ type: "event", event: { name: "full", data } }),
    warn: (fields, message) =>
      client.send({ type: "log", line: { level: "warn", message, fields: { ...fields } } }),
  });
}

function lanesOf(ports: RuntimePorts, options: EngineOptions): Lane[] {
  const loop = loopLane(ports.client, options.loopSlots);
  const { supervisor } = ports;
  if (supervisor === null) return [loop];
  return [
    loop,
    crewLane(supervisor, "thread", options.threadSlots),
    crewLane(supervisor, "process", options.processSlots),
    aloneLane(supervisor, options.aloneSlots),
  ];
}

function freeRooms(intake: Intake, jobs: readonly ClaimedJob[]): void {
  if (intake.waiterCount === 0) return;
  for (const queue of new Set(jobs.map((job) => job.queue))) intake.roomFreed(queue);
}

/** The small regular duties: heartbeat, pruning, and noticing what other processes did. */
function upkeep(
  engine: Omit<Engine, "repeaters" | "threadAdds" | "overlaps">,
  onError: (name: string, error: unknown) => void,
): Repeater[] {
  const { store, clock, timers } = engine.ports;
  const beat = async (): Promise<number> => {
    await store.beat(engine.owner, clock.now() + LEASE_MS);
    engine.waker.reached();
    return OWNER_BEAT_MS;
  };
  const prune = async (): Promise<number> => {
    const limits = { limit: PRUNE_JOBS_MAX, doneCountMax: KEEP_DONE_COUNT_MAX };
    const removed = await store.prune(limits, clock.now() + LEASE_MS);
    return removed >= PRUNE_JOBS_MAX ? 0 : PRUNE_MS;
  };
  let changedAt = Number.NEGATIVE_INFINITY;
  const poll = async (): Promise<number> => {
    if (store.changedByOthers()) {
      changedAt = clock.now();
      engine.fetcher.noteAll();
      engine.watch.lookAtAll();
      engine.waits.lookAtAll();
      if (engine.intake.waiterCount > 0) engine.intake.lookAgain();
    }
    const { watch, waits, intake } = engine;
    if (watch.isWatching || waits.isWaiting || intake.waiterCount > 0) return POLL_WAITING_MS;
    return clock.now() - changedAt < SHARED_FOR_MS ? POLL_SHARED_MS : POLL_ALONE_MS;
  };
  const repeaters = [
    new Repeater({ name: "heartbeat", step: beat, timers, onError, retryMs: OWNER_BEAT_MS }),
    new Repeater({ name: "pruner", step: prune, timers, onError, retryMs: PRUNE_MS }),
  ];
  if (store.capabilities.sharedBetweenProcesses) {
    repeaters.push(
      new Repeater({ name: "poller", step: poll, timers, onError, retryMs: PRUNE_MS }),
    );
  }
  return repeaters;
}
