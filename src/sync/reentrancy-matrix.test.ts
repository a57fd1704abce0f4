/**
 * Every call of a queue in the middle of every other, by every way in. Whatever runs where, the
 * queue is whole after it: nothing is lost or there twice, nobody waits for what is there, and
 * every wait ends.
 */
import { describe, expect, it } from "vitest";
import { QUEUE_CALLS, type QueueCall, QueueLedger } from "../../test/sync/queue-ledger.ts";
import { QUEUE_TRAPS, type Trap } from "../../test/sync/trap.ts";

/** One call with another in its middle; whether it came to that. */
class Meeting {
  readonly ledger: QueueLedger;
  readonly #trap: Trap;
  readonly #inner: QueueCall;
  #phase: "before" | "under way" | "sprung" = "before";

  constructor(trap: Trap, start: "fill" | "starve", inner: QueueCall) {
    this.#trap = trap;
    this.#inner = inner;
    this.ledger = new QueueLedger(trap.inQueue?.(this.#spring) ?? {});
    this.ledger[start]();
    if (trap.name === "a listener of full") this.ledger.stage.queue.on("full", this.#spring);
  }

  get isSprung(): boolean {
    return this.#phase === "sprung";
  }

  run(outer: QueueCall): void {
    const { dress, around } = this.#trap;
    const call = (): void =>
      this.ledger.call(outer, (options) => dress?.(options, this.#spring) ?? options);
    this.#phase = "under way";
    if (around === undefined) call();
    else around(call, this.#spring);
    if (this.#phase === "under way") this.#phase = "before";
  }

  readonly #spring = (): void => {
    if (this.#phase !== "under way") return;
    this.#phase = "sprung";
    this.ledger.call(this.#inner);
  };
}

describe.each(QUEUE_TRAPS)("$name", (trap) => {
  it("may make any call in the middle of any other: the queue stays whole", async () => {
    const sprung = new Set<QueueCall>();
    for (const start of ["fill", "starve"] as const) {
      for (const outer of QUEUE_CALLS) {
        for (const inner of QUEUE_CALLS) {
          const meeting = new Meeting(trap, start, inner);
          await meeting.ledger.stage.rest();
          meeting.run(outer);
          if (!meeting.isSprung) continue;
          sprung.add(outer);
          await meeting.ledger.stage.rest();
          const faults = [...meeting.ledger.faults(), ...(await meeting.ledger.end())];
          expect({ start, outer, inner, faults }).toEqual({ start, outer, inner, faults: [] });
        }
      }
    }

    expect([...sprung].toSorted().join(" ")).toBe(SPRUNG_BY[trap.name]);
  });
});

/** Which calls run into it: a trap that catches nobody proves nothing. */
const SPRUNG_BY: Readonly<Record<string, string>> = {};
