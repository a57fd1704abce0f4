import { EngineClient } from "../../src/client/engine-client.ts";
import type { JobRecord } from "../../src/core/job.ts";
import { type Channel, channelPair } from "../../src/runtime/channel.ts";
import type { CallAnswers, EngineCall, FromEngine, ToEngine } from "../../src/runtime/messages.ts";
import type { QueueRecord } from "../../src/store/store.ts";
import { SteppedClock } from "../runtime/stepped-clock.ts";

type Call = ToEngine & { readonly type: "call" };

/**
 * An engine at the other end of an in-memory channel, of which a test plays the part: it answers
 * calls as it was told, and keeps what it got.
 */
export class PlayedEngine {
  readonly clock: SteppedClock = new SteppedClock();
  readonly client: EngineClient;
  readonly received: ToEngine[] = [];
  readonly #line: Channel<ToEngine, FromEngine>;
  readonly #answers = new Map<string, (request: EngineCall) => unknown>();

  constructor() {
    const { clock } = this;
    const { left, right } = channelPair<FromEngine, ToEngine>((run) => clock.soon(run));
    this.client = new EngineClient({ clock, timers: clock }, (message) => left.send(message));
    left.onMessage((message) => void this.client.receive(message));
    this.#line = right;
    right.onMessage((message) => {
      this.received.push(message);
      if (message.type === "call") this.#answer(message);
    });
  }

  /** From now on this call is answered so; without an answer it stays open. */
  answers<N extends keyof CallAnswers>(
    name: N,
    answer: (request: EngineCall & { readonly name: N }) => CallAnswers[N],
  ): void {
    this.#answers.set(name, answer as (request: EngineCall) => unknown);
  }

  says(message: FromEngine): void {
    this.#line.send(message);
  }

  /** The calls of this name that have arrived. */
  calls(name: EngineCall["name"]): readonly Call[] {
    return this.received.filter(
      (message): message is Call => message.type === "call" && message.request.name === name,
    );
  }

  #answer({ call, request }: Call): void {
    const answer = this.#answers.get(request.name);
    if (answer !== undefined) this.says({ type: "answer", call, answer: answer(request) });
  }
}

/** A job of task "send" in queue "mail" that is done, but for what is given. */
export function someRecord(overrides: Partial<JobRecord> = {}): JobRecord {
  return {
    ...{ id: 1, queue: "mail", task: "send", priority: 0, runAt: null, expireAt: null },
    ...{ key: null, callerId: null, extra: null, payload: "{}" },
    ...{ state: "done", attempt: 1, losses: 0, token: 1, owner: null, leaseUntil: null },
    ...{ createdAt: 1_000, claimedAt: 1_000, settledAt: 2_000 },
    ...{ result: null, error: null, progress: null, note: null, awaits: null },
    ...overrides,
  };
}

/** A queue without jobs, but for what is given. */
export function someQueue(
  overrides: Partial<Omit<QueueRecord, "counts">> & {
    readonly counts?: Partial<QueueRecord["counts"]>;
  } = {},
): QueueRecord {
  const none = {
    ...{ scheduled: 0, ready: 0, leased: 0, done: 0 },
    ...{ dead: 0, cancelled: 0, expired: 0, dropped: 0 },
  };
  return {
    ...{ name: "mail", capacity: 100, paused: false },
    ...{ retryingCount: 0, doneTotal: 0, failedTotal: 0 },
    ...overrides,
    counts: { ...none, ...overrides.counts },
  };
}
