import type { App } from "../../../client/app.ts";
import { type Command, defineCommand, EXIT, STORE_FLAG } from "../command.ts";
import { consumerCount, workforceOf } from "../consumers.ts";
import { sameStore, withApp } from "../opened-app.ts";
import { type Column, drawTable } from "../table.ts";
import { usualTaskModule } from "../task-module.ts";

const FLAGS = { store: STORE_FLAG } as const;

type QueueLine = Awaited<ReturnType<App["queues"]>>[number] & { readonly consumers: number };

export const queues: Command = defineCommand<typeof FLAGS>({
  name: "queues",
  summary: "list queues and who works on them",
  args: [],
  flags: FLAGS,
  examples: ["queues", "queues --json"],
  errors: ["UNJAM_STORE_MISSING"],

  async run(context) {
    const { screen } = context;
    const lines = await withApp(context, { mustExist: true }, async (app) => {
      const [found, workforce] = await Promise.all([app.queues(), workforceOf(app)]);
      return found.map((queue) => ({ ...queue, consumers: consumerCount(workforce, queue.name) }));
    });
    screen.show(lines, lines.length === 0 ? [] : drawTable(screen, COLUMNS, lines));
    if (lines.length === 0) screen.say("no queues yet: the first job makes its queue");
    screen.next(`${nextOf(lines)}${sameStore(context)}`);
    return EXIT.ok;
  },
});

const COLUMNS: readonly Column<QueueLine>[] = [
  { heading: "QUEUE", cell: ({ name }) => name },
  { heading: "WAITING", cell: ({ counts }) => counts.ready, align: "right" },
  {
    heading: "DELAYED",
    cell: ({ counts, retryingCount }) => counts.scheduled - retryingCount,
    align: "right",
  },
  { heading: "RETRYING", cell: ({ retryingCount }) => retryingCount, align: "right" },
  { heading: "RUNNING", cell: ({ counts }) => counts.leased, align: "right" },
  { heading: "DONE", cell: ({ doneTotal }) => doneTotal, align: "right" },
  { heading: "FAILED", cell: ({ failedTotal }) => failedTotal, align: "right" },
  { heading: "CAPACITY", cell: ({ capacity }) => capacity, align: "right" },
  { heading: "WORKERS", cell: ({ consumers }) => consumers, align: "right" },
  { heading: "STATE", cell: stateOf },
];

function stateOf(queue: QueueLine): string {
  if (queue.paused) return "paused";
  if (isUnheard(queue)) return "nobody listening";
  if (queue.counts.ready + queue.counts.scheduled >= queue.capacity) return "full";
  return queue.counts.ready + queue.counts.leased > 0 ? "flowing" : "idle";
}

/** Jobs wait, and no live worker would take them. */
export function isUnheard({ paused, counts, consumers }: QueueLine): boolean {
  return !paused && counts.ready > 0 && consumers === 0;
}

function nextOf(lines: readonly QueueLine[]): string {
  const unheard = lines.find(isUnheard);
  if (unheard !== undefined) {
    return `unjam worker --tasks ${usualTaskModule()} --queues ${unheard.name}`;
  }
  const paused = lines.find((line) => line.paused);
  if (paused !== undefined) return `unjam queues resume ${paused.name}`;
  const failing = lines.find(({ counts }) => counts.dead > 0);
  return failing === undefined ? "unjam jobs" : `unjam jobs --queue ${failing.name} --state dead`;
}
