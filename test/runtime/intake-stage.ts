import { type Overflow, storeOverflow } from "../../src/core/overflow.ts";
import type { AddedMessage, AddRequest } from "../../src/runtime/messages.ts";
import { Intake } from "../../src/runtime/intake.ts";
import { aShape } from "../conformance/scene.ts";
import { StoreStage } from "./store-stage.ts";

interface RequestOverrides {
  readonly count?: number;
  readonly whenFull?: Overflow;
  readonly waitMs?: number;
  readonly waitersMax?: number;
  readonly atomic?: boolean;
  readonly runAt?: number | null;
  readonly callerId?: string | null;
}

/** What the intake said about one batch, by index; `"added"` for all of it. */
type Said = AddedMessage["outcomes"];

/** An intake on a store with one queue of a given capacity. Batches are named by number. */
export class IntakeStage {
  readonly stage: StoreStage;
  readonly intake: Intake;
  readonly said: { readonly batch: number; readonly outcomes: Said }[] = [];
  readonly adding: string[] = [];
  readonly delayed: number[] = [];
  readonly full: { readonly queue: string; readonly capacity: number }[] = [];
  readonly dropped: number[] = [];
  readonly waiterCounts: number[] = [];
  turnedAwayCount = 0;
  readonly #capacity: number;
  #lastBatch = 0;
  #lastId = 1_000;

  private constructor(stage: StoreStage, capacity: number) {
    this.stage = stage;
    this.#capacity = capacity;
    this.intake = new Intake({
      ...stage.tools,
      answer: ({ batch, outcomes }) => this.said.push({ batch, outcomes }),
      onAdding: (queue) => this.adding.push(queue),
      onDelayed: (runAt) => this.delayed.push(runAt),
      onFull: (queue, full) => this.full.push({ queue, capacity: full }),
      onWaitersChange: (queue) => this.waiterCounts.push(this.intake.waiterCountOf(queue)),
      onTurnedAway: () => this.turnedAwayCount++,
      onDropped: (_queue, ids) => this.dropped.push(...ids),
    });
  }

  static async open({ capacity }: { readonly capacity: number }): Promise<IntakeStage> {
    return new IntakeStage(await StoreStage.open(), capacity);
  }

  /** Sends one batch in, and answers its number. */
  async enqueue(overrides: RequestOverrides = {}): Promise<number> {
    const request = this.request(overrides);
    this.intake.add([request]);
    await this.stage.clock.settle();
    return request.batch;
  }

  request({ count = 1, waitMs = 10_000, ...rest }: RequestOverrides = {}): AddRequest {
    const { whenFull = "wait", waitersMax = 1_000, atomic = false, ...shape } = rest;
    const ids = Array.from({ length: count }, () => ++this.#lastId);
    const since = this.stage.clock.now();
    const deadline = since + waitMs;
    return {
      batch: ++this.#lastBatch,
      group: {
        shape: aShape({ runAt: shape.runAt ?? null, callerId: shape.callerId ?? null }),
        capacity: this.#capacity,
        ids,
        payloads: ids.map(() => "{}"),
        atomic,
        overflow: storeOverflow(whenFull),
      },
      ...{ whenFull, waitersMax, since, deadline, answerBy: deadline + 1_000 },
    };
  }

  /** A worker takes the first jobs of the queue, which makes room. */
  async takeJobs(count = 1): Promise<number[]> {
    const { gate, owner, deadline, clock } = this.stage;
    const slots = [{ queue: "mail", tasks: ["send"], limit: count }];
    const jobs = await gate.store.claim({ owner, slots }, deadline);
    this.intake.roomFreed("mail");
    await clock.settle();
    return jobs.map(({ id }) => id);
  }

  /** The kinds of what was said of a batch so far, in the order in which it was said. */
  kindsOf(batch: number): string[] {
    return this.said
      .filter((said) => said.batch === batch)
      .flatMap(({ outcomes }) =>
        outcomes === "added"
          ? ["added"]
          : outcomes.map(([, outcome]) =>
              outcome.kind === "error" ? (outcome.error.code ?? "error") : outcome.kind,
            ),
      );
  }

  /** Batches in the order of their (last) answers. */
  get answeredBatches(): number[] {
    return this.said.map(({ batch }) => batch);
  }
}
