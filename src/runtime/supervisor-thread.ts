/**
 * The entry of the supervisor thread: parent of the job threads, keeper of their deadlines. It
 * opens no store and calls nothing that blocks.
 */
import { extname } from "node:path";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { invariant } from "../core/invariant.ts";
import type { TaskFacts } from "../core/task.ts";
import { probeMain } from "../stack/main-probe.ts";
import { startNodeThread } from "../threads/node-thread.ts";
import type { Channel } from "./channel.ts";
import { readBeat } from "./loop-beat.ts";
import { type LoopBlock, LoopWatch } from "./loop-watch.ts";
import type { FromSupervisor, ToSupervisor } from "./messages.ts";
import { nodeClock, nodeTimers } from "./node-ports.ts";
import { portChannel } from "./port-channel.ts";
import { RecentEnds } from "./recent-ends.ts";
import { SwitchedChannel } from "./switched-channel.ts";
import { ThreadCrew } from "./thread-crew.ts";

/** What the supervisor is started with. */
export interface SupervisorData {
  /** The main loop's beat. */
  readonly beat: SharedArrayBuffer;
  readonly engine: MessagePort;
  readonly tasks: readonly TaskFacts[];
  readonly threadSlots: number;
  /** The task module's URL; `null` when no task runs on a thread. */
  readonly module: string | null;
  /** The process's own flags and NODE_OPTIONS: the user's handlers run as his server does. */
  readonly execArgv: readonly string[];
  readonly nodeOptions: string | null;
}

/** Main → supervisor. */
export type MainToSupervisor =
  | { readonly type: "engine"; readonly port: MessagePort }
  /** Handlers run on the main loop: watch its beat. */
  | { readonly type: "beating" }
  | { readonly type: "close" };

/** Supervisor → main. */
export type SupervisorToMain =
  | { readonly type: "closed" }
  | { readonly type: "blocked"; readonly block: LoopBlock };

const port = parentPort;
invariant(port !== null, "supervisor-thread.ts runs as a worker thread");
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- set by launch-threads.ts, which starts this file.
const data = workerData as SupervisorData;
const recentEnds = new RecentEnds<FromSupervisor>(nodeClock);
const engine = new SwitchedChannel<ToSupervisor, FromSupervisor>(engineChannel(data.engine));

/** When the engine dies, what its attempts come to is kept for the next one. */
function engineChannel(enginePort: MessagePort): Channel<ToSupervisor, FromSupervisor> {
  const channel = portChannel<ToSupervisor, FromSupervisor>(enginePort);
  enginePort.on("close", () => {
    if (engine.lost(channel)) recentEnds.hold();
  });
  return channel;
}

const entry = new URL(`./job-thread${extname(import.meta.url)}`, import.meta.url);

const crew = new ThreadCrew({
  size: data.threadSlots,
  tasks: data.tasks,
  clock: nodeClock,
  timers: nodeTimers,
  spawn: (number) =>
    startNodeThread(entry, {
      name: `unjam job ${number}`,
      workerData: { module: data.module },
      execArgv: [...data.execArgv],
      env:
        data.nodeOptions === null
          ? process.env
          : { ...process.env, NODE_OPTIONS: data.nodeOptions },
    }),
  send: (message) => {
    if (message.type === "ends") recentEnds.note(message);
    engine.send(message);
  },
});
engine.onMessage((message) => crew.receive(message));

const main = portChannel<MainToSupervisor, SupervisorToMain>(port);
const watch = new LoopWatch({
  readBeat: () => readBeat(data.beat),
  clock: nodeClock,
  timers: nodeTimers,
  probe: probeMain,
  onBlock: (block) => main.send({ type: "blocked", block }),
});

main.onMessage((message) => {
  switch (message.type) {
    case "engine":
      engine.switchTo(engineChannel(message.port), [
        { type: "held", jobs: crew.held() },
        ...recentEnds.take(),
      ]);
      return;
    case "beating":
      watch.start();
      return;
    case "close":
      crew.close().then(
        () => main.send({ type: "closed" }),
        () => main.send({ type: "closed" }),
      );
      return;
  }
});
