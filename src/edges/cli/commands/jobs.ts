import type { JobStatus } from "../../../client/job-handle.ts";
import { LIST_LIMIT_DEFAULT } from "../../../core/limits.ts";
import { JOB_STATES } from "../../../core/job-state.ts";
import { LIST_OPTIONS } from "../../../core/option-tables.ts";
import { type Command, type CommandContext, defineCommand, EXIT, STORE_FLAG } from "../command.ts";
import { showDuration } from "../flag-value.ts";
import { sameStore, withApp } from "../opened-app.ts";
import { printable, shellWord } from "../screen.ts";
import { type Column, drawTable } from "../table.ts";

const FLAGS = {
  queue: { kind: "text", value: "<name>", about: "only this queue", bounds: LIST_OPTIONS.queue },
  state: {
    kind: "text",
    value: "<state>",
    about: JOB_STATES.join(", "),
    bounds: LIST_OPTIONS.state,
  },
  limit: {
    kind: "count",
    value: "<n>",
    about: `at most this many, default ${LIST_LIMIT_DEFAULT}`,
    bounds: LIST_OPTIONS.limit,
  },
  after: {
    kind: "text",
    value: "<id>",
    about: "continue after this job",
    bounds: LIST_OPTIONS.after,
  },
  store: STORE_FLAG,
} as const;

type Context = CommandContext<typeof FLAGS>;

export const jobs: Command = defineCommand<typeof FLAGS>({
  name: "jobs",
  summary: "list jobs, oldest first",
  args: [],
  flags: FLAGS,
  examples: ["jobs", "jobs --queue images --state dead", "jobs --state done --limit 10 --json"],
  errors: ["UNJAM_STORE_MISSING", "UNJAM_INVALID_OPTION"],

  async run(context) {
    const { queue, after, limit = LIST_LIMIT_DEFAULT } = context.flags;
    const state = JOB_STATES.find((name) => name === context.flags.state);
    const found = await withApp(context, { mustExist: true }, (app) =>
      app.jobs({
        limit,
        ...(queue === undefined ? {} : { queue }),
        ...(state === undefined ? {} : { state }),
        ...(after === undefined ? {} : { after }),
      }),
    );
    const { screen } = context;
    screen.show(found, found.length === 0 ? [] : drawTable(screen, columns(Date.now()), found));
    if (found.length === 0) screen.say("no such jobs");
    screen.next(nextOf(context, found, limit));
    return EXIT.ok;
  },
});

function columns(now: number): readonly Column<JobStatus>[] {
  return [
    { heading: "ID", cell: ({ id }) => id },
    { heading: "STATE", cell: ({ state }) => state },
    { heading: "TASK", cell: ({ task }) => task },
    { heading: "QUEUE", cell: ({ queue }) => queue },
    { heading: "ATTEMPT", cell: ({ attempt }) => attempt, align: "right" },
    { heading: "AGE", cell: ({ createdAt }) => showDuration(now - createdAt), align: "right" },
    { heading: "", cell: remark },
  ];
}

/** What is worth knowing at a glance: why it failed, or how far it is. */
function remark({ state, error, progress, note }: JobStatus): string {
  if (error !== undefined && state !== "done") return `${error.name}: ${error.message}`;
  if (progress === null || state !== "leased") return "";
  return `${Math.round(progress * 100)}% ${note ?? ""}`.trim();
}

function nextOf(context: Context, found: readonly JobStatus[], limit: number): string {
  const { queue, state, limit: given } = context.flags;
  const store = sameStore(context);
  const last = found.at(-1);
  if (last === undefined) return `unjam queues${store}`;
  const dead = found.find((job) => job.state === "dead");
  if (found.length < limit) return `unjam jobs show ${shellWord((dead ?? last).id)}${store}`;
  const flags = [
    ...(queue === undefined ? [] : [`--queue ${queue}`]),
    ...(state === undefined ? [] : [`--state ${state}`]),
    ...(given === undefined ? [] : [`--limit ${given}`]),
    `--after ${shellWord(printable(last.id))}`,
  ];
  return `unjam jobs ${flags.join(" ")}${store}`;
}
