import { Outbox } from "../../src/client/outbox.ts";
import { isUnjamError } from "../../src/core/errors.ts";
import type { AddRequest, ToEngine } from "../../src/runtime/messages.ts";
import { SteppedClock } from "../runtime/stepped-clock.ts";

type Work = ToEngine & { readonly type: "work" };

/** An outbox on a stepped clock, and all that it sends. */
export interface OutboxScene {
  readonly outbox: Outbox<number>;
  readonly clock: SteppedClock;
  readonly sent: readonly Work[];
  /** The groups of all messages so far. */
  readonly requests: () => readonly AddRequest[];
  /** The numbers are drawn from 900 on, or not at all. */
  readonly drawing: { refusedBy: Error | undefined };
}

export function anOutbox(): OutboxScene {
  const clock = new SteppedClock();
  const sent: Work[] = [];
  const send = (message: ToEngine): void => {
    if (message.type === "work") sent.push(message);
  };
  const drawing: OutboxScene["drawing"] = { refusedBy: undefined };
  let last = 899;
  const draw = async (count: number): Promise<number[]> => {
    if (drawing.refusedBy !== undefined) throw drawing.refusedBy;
    return Array.from({ length: count }, () => ++last);
  };
  const outbox = new Outbox<number>({ clock, timers: clock, draw }, send, (stored) => stored);
  return { outbox, clock, sent, requests: () => sent.flatMap(({ adds }) => adds), drawing };
}

/** How each of these ended: its number, or the code of its error. */
export function endsOf(promises: readonly Promise<unknown>[]): Promise<readonly unknown[]> {
  return Promise.all(
    promises.map((promise) =>
      promise.catch((error: unknown) => (isUnjamError(error) ? error.code : error)),
    ),
  );
}

/** Which of these have ended by now, after all that is under way has come to rest. */
export async function endedOf(
  { clock }: OutboxScene,
  promises: readonly Promise<unknown>[],
): Promise<readonly boolean[]> {
  const ended = promises.map(() => false);
  for (const [index, promise] of promises.entries()) {
    const over = (): void => void (ended[index] = true);
    promise.then(over, over);
  }
  await clock.settle();
  return ended;
}
