/**
 * The entry of the supervisor thread: parent of the job threads and processes, keeper of their deadlines. It
 * opens no store and calls nothing that blocks.
 */
import { extname } from "node:path";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { invariant } from "../core/invariant.ts";
import type { TaskFacts } from "../core/task.ts";
import { probeMain } from "../stack/main-probe.ts";
import { locateThread } from "../threads/locate-thread.ts";
import { machineClock, machineTimers } from "../threads/machine-clock.ts";
import { startNodeProcess } from "../threads/node-process.ts";
import { startNodeThread } from "../threads/node-thread.ts";
import { type UserFlags, withUserFlags } from "../threads/user-flags.ts";
import type { Channel } from "./channel.ts";
import { readBeat } from "./loop-beat.ts";
import type { StartedMember } from "./crew-member.ts";
import { type LoopBlock, LoopWatch } from "./loop-watch.ts";
import type { FromSupervisor, ToSupervisor } from "./messages.ts";
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
  readonly processSlots: number;
  readonly aloneSlots: number;
  /** The task module's URL; `null` when all tasks run on the loop. */
  readonly module: string | null;
  readonly flags: UserFlags;
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
const recentEnds = new RecentEnds<FromSupervisor>(machineClock);
const engine = new SwitchedChannel<ToSupervisor, FromSupervisor>(engineChannel(data.engine));

/** When the engine dies, what its attempts come to is kept for the next one. */
function engineChannel(enginePort: MessagePort): Channel<ToSupervisor, FromSupervisor> {
  const channel = portChannel<ToSupervisor, FromSupervisor>(enginePort);
  enginePort.on("close", () => {
    if (engine.lost(channel)) recentEnds.hold();
  });
  return channel;
}

const entryOf = (name: string): URL =>
  new URL(`./${name}${extname(import.meta.url)}`, import.meta.url);
const { module } = data;
const flags = withUserFlags(data.flags);
/** Shared by all crews, so that a number says which member of which crew. */
let memberCount = 0;

const tools = {
  tasks: data.tasks,
  clock: machineClock,
  timers: machineTimers,
  nextNumber: () => ++memberCount,
  send(message: FromSupervisor) {
    if (message.type === "ends") recentEnds.note(message);
    engine.send(message);
  },
};

function spawnProcess(): StartedMember {
  const entry = entryOf("job-process");
  const thread = startNodeProcess(entry, { args: [module ?? ""], ...flags });
  return { thread, locate: null };
}

function spawnThread(number: number): StartedMember {
  const thread = startNodeThread(entryOf("job-thread"), {
    name: `unjam job ${number}`,
    workerData: { module },
    ...flags,
  });
  const { threadId } = thread;
  const callers = [entryOf("run-handler"), entryOf("job-runner")];
  return { thread, locate: (osThread) => locateThread({ threadId, osThread, callers }) };
}

const crews = [
  new ThreadCrew({ ...tools, lane: "thread", size: data.threadSlots, spawn: spawnThread }),
  new ThreadCrew({ ...tools, lane: "process", size: data.processSlots, spawn: spawnProcess }),
  new ThreadCrew({ ...tools, lane: "alone", size: data.aloneSlots, spawn: spawnProcess }),
];
engine.onMessage((message) => {
  for (const crew of crews) crew.receive(message);
});

const main = portChannel<MainToSupervisor, SupervisorToMain>(port);
const watch = new LoopWatch({
  readBeat: () => readBeat(data.beat),
  clock: machineClock,
  timers: machineTimers,
  probe: probeMain,
  onBlock: (block) => main.send({ type: "blocked", block }),
});

main.onMessage((message) => {
  switch (message.type) {
    case "engine":
      engine.switchTo(engineChannel(message.port), [
        { type: "held", jobs: crews.flatMap((crew) => crew.held()) },
        ...crews.flatMap((crew) => crew.standing()),
        ...recentEnds.take(),
      ]);
      return;
    case "beating":
      watch.start();
      return;
    case "close":
      Promise.all(crews.map((crew) => crew.close())).then(
        () => main.send({ type: "closed" }),
        () => main.send({ type: "closed" }),
      );
      return;
  }
});
