import type { App } from "../../../client/app.ts";
import {
  CLOSE_GRACE_MS_DEFAULT,
  LOOP_SLOTS_DEFAULT,
  PROCESSES_DEFAULT,
  RESTARTS_PER_MS,
  THREADS_DEFAULT,
} from "../../../core/limits.ts";
import { UnjamError } from "../../../core/errors.ts";
import { CLOSE_OPTIONS, WORK_OPTIONS } from "../../../core/option-tables.ts";
import { invalid, readQueueName } from "../../../core/options.ts";
import { type Command, type CommandContext, defineCommand, EXIT, STORE_FLAG } from "../command.ts";
import { abortOf } from "../abort.ts";
import { leftOut, showDuration } from "../flag-value.ts";
import { sameStore } from "../opened-app.ts";
import { endSoon } from "../screen.ts";
import { readLogLevel, readSetting, SETTINGS } from "../setting.ts";
import { taskModule } from "../task-module.ts";

const WHERE = "unjam worker";

const FLAGS = {
  tasks: { kind: "text", value: "<module>", about: "the module that exports the tasks; needed" },
  queues: {
    kind: "names",
    value: "<a,b>",
    about: "only these queues; default every queue of the tasks",
  },
  loop: {
    kind: "count",
    value: "<n>",
    about: `handlers at once on the main loop, default ${LOOP_SLOTS_DEFAULT}`,
    bounds: WORK_OPTIONS.loop,
  },
  threads: {
    kind: "count",
    value: "<n>",
    about: `job threads, default ${THREADS_DEFAULT}`,
    bounds: WORK_OPTIONS.threads,
  },
  processes: {
    kind: "count",
    value: "<n>",
    about: `child processes, started when there is a job for one, default ${PROCESSES_DEFAULT}`,
    bounds: WORK_OPTIONS.processes,
  },
  grace: {
    kind: "duration",
    value: "<duration>",
    about: `time for running jobs after SIGTERM, default ${CLOSE_GRACE_MS_DEFAULT / 1_000}s`,
    bounds: CLOSE_OPTIONS.graceMs,
  },
  "log-level": { kind: "text", value: "<level>", about: "debug, info, warn, error or silent" },
  store: STORE_FLAG,
} as const;

type Context = CommandContext<typeof FLAGS>;

export const worker: Command = defineCommand<typeof FLAGS>({
  name: "worker",
  summary: "run jobs until SIGTERM or Ctrl-C",
  args: [],
  flags: FLAGS,
  examples: [
    "worker --tasks ./tasks.ts",
    "worker --tasks ./dist/tasks.js --queues images,mail --threads 4 --grace 25s",
  ],
  errors: ["UNJAM_TASK_MODULE_NOT_FOUND", "UNJAM_TASK_MODULE_FAILED", "UNJAM_BROKEN"],

  async run(context) {
    const { flags, screen, signal } = context;
    const graceMs = flags.grace ?? CLOSE_GRACE_MS_DEFAULT;
    const plan = await readPlan(context);
    const app = await openWorker(context, plan);
    try {
      // Asked for while it opened: it has taken nothing worth a word yet.
      if (!signal.aborted) {
        const broken = brokenState(app);
        await showReady(app, context, plan);
        await Promise.race([abortOf(signal), broken]);
      }
      screen.say(`stopping within ${showDuration(graceMs)}; a second signal ends it at once`);
    } finally {
      await app.close({ graceMs });
      endSoon();
    }
    screen.say("stopped");
    return EXIT.ok;
  },
});

/** What this worker will run, read from flags, environment and the module itself. */
interface Plan {
  readonly module: URL;
  readonly queues: readonly string[];
  readonly threads: number;
  readonly loop: number | undefined;
  readonly processes: number | undefined;
  readonly store: string;
}

/** @throws UNJAM_INVALID_OPTION, UNJAM_QUEUE_NAME_INVALID, UNJAM_TASK_MODULE_… */
async function readPlan({ flags, env }: Context): Promise<Plan> {
  if (flags.tasks === undefined) {
    throw leftOut("--tasks", WHERE, "the module that exports its tasks, such as ./tasks.ts");
  }
  const store = readSetting(SETTINGS.store, flags.store, env).value;
  const { findStore } = await import("../../../client/store-presence.ts");
  findStore(store);
  const module = taskModule(flags.tasks);
  const { loadTasks } = await import("../../../client/load-tasks.ts");
  const { bodies } = await loadTasks(module);
  const runnable = [...bodies.values()].filter(({ handler }) => handler !== undefined);
  if (runnable.length === 0) {
    throw invalid("--tasks", WHERE, "a module that exports tasks with handlers", flags.tasks);
  }
  const own = [...new Set(runnable.map(({ facts }) => facts.queue))];
  const wanted = readSetting(SETTINGS.queues, flags.queues, env);
  const names = wanted.value?.map((name) => readQueueName(name, wanted.name, WHERE));
  const foreign = names?.find((name) => !own.includes(name));
  if (foreign !== undefined) {
    throw invalid(wanted.name, WHERE, `among the queues of its tasks (${own.join(", ")})`, foreign);
  }
  const threads = readSetting(SETTINGS.threads, flags.threads, env).value;
  const { loop, processes } = flags;
  return { module, queues: names ?? own, threads, loop, processes, store };
}

async function openWorker({ flags, env, screen }: Context, plan: Plan): Promise<App> {
  const given = flags["log-level"];
  const level = given === undefined ? undefined : readLogLevel(given, "--log-level", WHERE);
  const threshold = readSetting(SETTINGS.logLevel, level, env).value;
  const { stderrLog } = await import("../logger.ts");
  const { open } = await import("../../../client/open.ts");
  const { store, module, threads, queues, loop, processes } = plan;
  return open({
    store,
    tasks: module,
    work: {
      ...{ threads, queues },
      ...(loop === undefined ? {} : { loop }),
      ...(processes === undefined ? {} : { processes }),
    },
    logger: stderrLog(threshold, screen.isJson),
  });
}

/** One line that says where, how safe and what: the first thing to look for in a log. */
async function showReady(app: App, context: Context, plan: Plan): Promise<void> {
  const { screen } = context;
  const { place, durability } = await app.store();
  const { queues, threads } = plan;
  const ready = { ready: true, pid: process.pid, store: place, durability, queues, threads };
  screen.show(ready, [
    `worker ${process.pid}  store ${place}  durability ${durability}  queues ${queues.join(", ")}`,
  ]);
  screen.next(`unjam queues${sameStore(context)}   (Ctrl-C stops this one)`);
}

/**
 * Rejects once a part has used up its restarts. A worker that can no longer run its jobs would
 * still look alive to the queue; an orchestrator can start a fresh one when this one ends.
 */
function brokenState(app: App): Promise<never> {
  const broken = new Promise<never>((_, reject) => {
    app.on("broken", (facts) =>
      reject(new UnjamError("UNJAM_BROKEN", { ...facts, perMs: RESTARTS_PER_MS })),
    );
  });
  // It may break while nobody races with it.
  broken.catch(() => undefined);
  return broken;
}
