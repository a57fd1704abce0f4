import type { Command } from "./command.ts";

/** Every command by its words, in the order of the help; a module is loaded when it is needed. */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  worker: async () => (await import("./commands/worker.ts")).worker,
  enqueue: async () => (await import("./commands/enqueue.ts")).enqueue,
  jobs: async () => (await import("./commands/jobs.ts")).jobs,
  "jobs show": async () => (await import("./commands/jobs-show.ts")).jobsShow,
  "jobs retry": async () => (await import("./commands/jobs-retry.ts")).jobsRetry,
  "jobs cancel": async () => (await import("./commands/jobs-cancel.ts")).jobsCancel,
  queues: async () => (await import("./commands/queues.ts")).queues,
  "queues pause": async () => (await import("./commands/queues-pause.ts")).queuesPause,
  "queues resume": async () => (await import("./commands/queues-resume.ts")).queuesResume,
  doctor: async () => (await import("./commands/doctor.ts")).doctor,
  lab: async () => (await import("./commands/lab.ts")).lab,
};

/** The plain listing may be spelled out, as in other tools. */
const ALIASES: Readonly<Record<string, string>> = { "jobs ls": "jobs", "queues ls": "queues" };

export interface FoundCommand {
  readonly name: string;
  readonly load: () => Promise<Command>;
  /** How many words of the line its name took. */
  readonly wordCount: number;
}

/** The longest command that the line begins with. */
export function findCommand(line: readonly string[]): FoundCommand | undefined {
  for (const wordCount of [2, 1]) {
    const words = line.slice(0, wordCount).join(" ");
    const name = ALIASES[words] ?? words;
    const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (load !== undefined) return { name, load, wordCount };
  }
  return undefined;
}
