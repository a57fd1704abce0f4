import { JoinableQueue, type QueueSnapshot } from "../../src/sync/joinable-queue.ts";
import type { ManualClock } from "../../src/testing/manual-clock.ts";
import { expectThat, RETRY_MS, type Shape } from "./interleaved-command.ts";
import { type QueueModel, rankOf } from "./queue-model.ts";

/** A queue whose deadlines and retries go through `onTimer`, by which the model knows of them. */
export function aQueue(
  { capacity, order, clock }: Pick<Shape, "capacity" | "order"> & { readonly clock: ManualClock },
  onTimer: (kind: "deadline" | "retry", run: () => void) => void,
): JoinableQueue<number, number> {
  const quiet = (): void => undefined;
  return new JoinableQueue<number, number>({
    ...{ capacity, waitersMax: 1_000, diagnostics: "off" },
    order: order === "by" ? { by: rankOf } : order,
    describe: String,
    logger: { info: quiet, warn: quiet, error: quiet },
    ports: {
      ...{ clock, random: () => 0.5 },
      timers: {
        soon: (run) => clock.soon(run),
        after: (delayMs, run, options) => {
          // The timer of the deadlines is the one that says that it keeps the process alive.
          const isDeadline = options?.keepsAlive === true;
          const kind = isDeadline ? "deadline" : "retry";
          const isKnown = isDeadline || delayMs === RETRY_MS;
          return clock.after(delayMs, isKnown ? () => onTimer(kind, run) : run, options);
        },
      },
    },
  });
}

/** The queue and its model must be the same right after each call. */
export function checkQueue(snapshot: QueueSnapshot, model: QueueModel, after: string): void {
  const { size, unfinished, putters, takers, isPaused, phase } = snapshot;
  const facts = `after ${after}: ${JSON.stringify({ size, unfinished, putters, takers })}, model ${JSON.stringify({ queue: model.queue, held: [...model.held], line: model.line.map(({ id }) => id) })}`;
  const held = heldIn(snapshot);
  expectThat(unfinished === size + held.size, `each unfinished item waits or is held ${facts}`);
  expectThat(size === model.queue.length, `as many wait ${facts}`);
  expectThat(held.size === model.held.size, `as many are held ${facts}`);
  for (const id of held) expectThat(model.held.has(id), `${id} is held by right ${facts}`);
  const waiting = model.line.length + model.retrying.length;
  expectThat(putters === waiting, `as many wait for room ${facts}`);
  expectThat(phase === model.phase, `it is ${model.phase} ${facts}`);
  expectThat(takers === 0 || size === 0 || isPaused, `nobody waits for what is there ${facts}`);
  expectThat(
    model.line.length === 0 || size >= model.capacity || phase !== "open",
    `nobody waits for room that is there ${facts}`,
  );
}

export function heldIn({ holders }: Pick<QueueSnapshot, "holders">): Set<number> {
  return new Set(holders.map(({ value }) => Number(value)));
}
