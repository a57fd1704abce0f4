import type { JobStatus } from "../../../client/job-handle.ts";
import type { JobState } from "../../../core/job-state.ts";
import { type Command, defineCommand, EXIT, STORE_FLAG } from "../command.ts";
import { showDuration } from "../flag-value.ts";
import { sameStore, withApp } from "../opened-app.ts";
import { printable, type Screen, shellWord } from "../screen.ts";

const FLAGS = { store: STORE_FLAG } as const;

export const jobsShow: Command = defineCommand<typeof FLAGS>({
  name: "jobs show",
  summary: "show one job",
  args: [{ name: "id", about: "the job's id, or the id that you gave it", count: "one" }],
  flags: FLAGS,
  examples: ["jobs show j_1c", "jobs show order-17 --json"],
  errors: ["UNJAM_JOB_UNKNOWN", "UNJAM_STORE_MISSING"],

  async run(context) {
    const { words, screen } = context;
    const [id = ""] = words;
    const job = await withApp(context, { mustExist: true }, (app) => app.job(id).status());
    screen.show(job, linesOf(job, screen));
    screen.next(`${NEXT[job.state](shellWord(job.id))}${sameStore(context)}`);
    return EXIT.ok;
  },
});

const NEXT: Readonly<Record<JobState, (id: string) => string>> = {
  scheduled: (id) => `unjam jobs cancel ${id}`,
  ready: () => "unjam queues",
  leased: (id) => `unjam jobs cancel ${id}`,
  done: () => "unjam jobs",
  dead: (id) => `unjam jobs retry ${id}`,
  cancelled: (id) => `unjam jobs retry ${id}`,
  expired: (id) => `unjam jobs retry ${id}`,
  dropped: (id) => `unjam jobs retry ${id}`,
};

const FORMATS: Readonly<Partial<Record<JobState, "green" | "red">>> = {
  ...{ done: "green", dead: "red", expired: "red", dropped: "red" },
};

function linesOf(job: JobStatus, screen: Screen): string[] {
  const { id, task, queue, state, attempt, losses, priority, progress, note } = job;
  const format = FORMATS[state] ?? "bold";
  const fields: readonly (readonly [string, string | undefined])[] = [
    ["created", instant(job.createdAt)],
    ["due", instant(job.runAt)],
    ["settled", instant(job.settledAt)],
    ["progress", progress === null ? undefined : `${Math.round(progress * 100)}%`],
    ["note", note ?? undefined],
    ["result", job.result === undefined ? undefined : JSON.stringify(job.result)],
    ["error", job.error === undefined ? undefined : `${job.error.name}: ${job.error.message}`],
    ["code", job.error?.code],
  ];
  return [
    `job ${printable(id)}   ${printable(task)}   queue ${queue}   ${screen.paint(format, state)}`,
    `attempts ${attempt}   losses ${losses}   priority ${priority}`,
    ...fields.flatMap(([name, text]) =>
      text === undefined ? [] : [`${screen.paint("dim", name.padEnd(8))}  ${printable(text)}`],
    ),
  ];
}

function instant(at: number | null): string | undefined {
  if (at === null) return undefined;
  const awayMs = Date.now() - at;
  const distance = awayMs >= 0 ? `${showDuration(awayMs)} ago` : `in ${showDuration(-awayMs)}`;
  return `${new Date(at).toISOString()}  ${distance}`;
}
