import type { QueueSnapshot } from "../../src/sync/joinable-queue.ts";
import { expectThat } from "./interleaved-command.ts";
import type { QueueModel } from "./queue-model.ts";

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
