import { addAbortSignal } from "node:stream";
import type { App } from "../../../client/app.ts";
import type { JobHandle } from "../../../client/job-handle.ts";
import { PAYLOAD_BYTES_MAX, WAIT_MS_DEFAULT } from "../../../core/limits.ts";
import { ENQUEUE_OPTIONS, RESULT_OPTIONS, TASK_OPTIONS } from "../../../core/option-tables.ts";
import { invalid } from "../../../core/options.ts";
import { UnjamError } from "../../../core/errors.ts";
import { type Command, type CommandContext, defineCommand, EXIT, STORE_FLAG } from "../command.ts";
import { consumerCount, type Workforce, workforceOf } from "../consumers.ts";
import { sameStore, withApp } from "../opened-app.ts";
import { shellWord } from "../screen.ts";
import { taskModule, usualTaskModule } from "../task-module.ts";

/** White space may make a payload larger than what is stored of it; this bounds what is read. */
const STDIN_BYTES_MAX = 64 * PAYLOAD_BYTES_MAX;
const WHERE = "unjam enqueue";

const FLAGS = {
  queue: {
    kind: "text",
    value: "<name>",
    about: 'where the job waits, default "default"',
    bounds: TASK_OPTIONS.queue,
  },
  tasks: {
    kind: "text",
    value: "<module>",
    about: "the module of the task: its queue and schema are used",
  },
  delay: {
    kind: "duration",
    value: "<duration>",
    about: "start no sooner than this from now",
    bounds: ENQUEUE_OPTIONS.delayMs,
  },
  priority: {
    kind: "count",
    value: "<0-9>",
    about: "0 is first and the default",
    bounds: ENQUEUE_OPTIONS.priority,
  },
  key: {
    kind: "text",
    value: "<key>",
    about: "at most one unfinished job with it per task",
    bounds: ENQUEUE_OPTIONS.key,
  },
  id: {
    kind: "text",
    value: "<id>",
    about: "makes a repeated enqueue harmless",
    bounds: ENQUEUE_OPTIONS.id,
  },
  wait: {
    kind: "duration",
    value: "<duration>",
    bare: true,
    about: `wait for the result, default ${WAIT_MS_DEFAULT / 1_000}s`,
    bounds: RESULT_OPTIONS.waitMs,
  },
  store: STORE_FLAG,
} as const;

type Context = CommandContext<typeof FLAGS>;

export const enqueue: Command = defineCommand<typeof FLAGS>({
  name: "enqueue",
  summary: "store a job, and optionally wait for its result",
  args: [
    { name: "task", about: "the name of a task", count: "one" },
    { name: "json", about: "its input as JSON, or - to read it from stdin", count: "one" },
  ],
  flags: FLAGS,
  examples: [
    `enqueue resize '{"width":200}' --queue images`,
    `enqueue resize '{"width":200}' --tasks ./tasks.ts --wait 30s`,
    "enqueue report - --delay 5m --key daily < report.json",
  ],
  errors: [
    "UNJAM_PAYLOAD_NOT_JSON",
    "UNJAM_PAYLOAD_TOO_LARGE",
    "UNJAM_QUEUE_FULL",
    "UNJAM_WAIT_TIMEOUT",
  ],

  async run(context) {
    const { words, flags, screen } = context;
    const [name = "", text = ""] = words;
    const { tasks, queue, wait } = flags;
    if (tasks !== undefined && queue !== undefined) {
      throw invalid("--queue", WHERE, "left out beside --tasks, where the task says it", queue);
    }
    const input = parseInput(text === "-" ? await readStdin(name, context.signal) : text, name);
    const module = tasks === undefined ? {} : { tasks: taskModule(tasks) };
    return withApp(context, { mustExist: false, ...module }, async (app) => {
      // Asked before, so that after the job is stored nothing can fail but the wait for it.
      const surroundings = { ...(await app.store()), workforce: await workforceOf(app) };
      const job = await store(app, context, input);
      if (wait === undefined) {
        await showStored(job, context, surroundings);
        return EXIT.ok;
      }
      screen.say(`stored as ${job.id}`);
      const place = await queueOf(job, context);
      if (consumerCount(surroundings.workforce, place) === 0) screen.say(nobody(place));
      const waitMs = wait === "bare" ? WAIT_MS_DEFAULT : wait;
      const result = await job.result({ waitMs, signal: context.signal });
      screen.show({ id: job.id, result }, result === undefined ? [] : [JSON.stringify(result)]);
      return EXIT.ok;
    });
  },
});

interface Surroundings {
  readonly place: string;
  readonly durability: string;
  readonly workforce: Workforce;
}

async function store(app: App, { words, flags }: Context, input: unknown): Promise<JobHandle> {
  const [name = ""] = words;
  const { tasks, queue, delay, priority, key, id } = flags;
  const options = {
    ...(delay === undefined ? {} : { delayMs: delay }),
    ...(priority === undefined ? {} : { priority }),
    ...(key === undefined ? {} : { key }),
    ...(id === undefined ? {} : { id }),
  };
  if (tasks !== undefined) return app.enqueue(name, input, options);
  const { task } = await import("../../../client/task.ts");
  return app.enqueue(task(name, queue === undefined ? {} : { queue }), input, options);
}

/** The id alone on stdout, so that a script can keep it; what else there is to say on stderr. */
async function showStored(
  job: JobHandle,
  context: Context,
  { place, durability, workforce }: Surroundings,
): Promise<void> {
  const { screen } = context;
  const queue = await queueOf(job, context);
  screen.show({ id: job.id, queue, place, durability }, [job.id]);
  screen.say(`stored in queue "${queue}" of ${place}, durability ${durability}`);
  const where = sameStore(context);
  if (consumerCount(workforce, queue) > 0) {
    screen.next(`unjam jobs show ${shellWord(job.id)}${where}`);
    return;
  }
  screen.say(nobody(queue));
  screen.next(`unjam worker --tasks ${usualTaskModule()} --queues ${queue}${where}`);
}

/** A key may have led to a job that waits elsewhere. By now the job is stored, so this must not fail. */
async function queueOf(job: JobHandle, { flags }: Context): Promise<string> {
  const status = await job.status().catch(() => undefined);
  return status?.queue ?? flags.queue ?? "default";
}

function nobody(queue: string): string {
  return `no live worker takes jobs from "${queue}"`;
}

/** @throws UNJAM_PAYLOAD_NOT_JSON */
function parseInput(text: string, task: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UnjamError("UNJAM_PAYLOAD_NOT_JSON", { task, reason }, { cause: error });
  }
}

/** @throws UNJAM_PAYLOAD_TOO_LARGE */
async function readStdin(task: string, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const stdin: AsyncIterable<unknown> = addAbortSignal(signal, process.stdin);
  for await (const chunk of stdin) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > STDIN_BYTES_MAX) {
      throw new UnjamError("UNJAM_PAYLOAD_TOO_LARGE", { task, bytes, bytesMax: PAYLOAD_BYTES_MAX });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
