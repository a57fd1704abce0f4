/**
 * Every call of a queue in the middle of every other, by every way in. Whatever runs where, the
 * queue is whole after it: nothing is lost or there twice, nobody waits for what is there, and
 * every wait ends.
 */
import { describe, expect, it } from "vitest";
import {
  QUEUE_CALLS,
  type QueueCall,
  QueueLedger,
  type Start,
} from "../../test/sync/queue-ledger.ts";
import { QueueStage, watch } from "../../test/sync/queue-stage.ts";
import { QUEUE_TRAPS, type Trap } from "../../test/sync/trap.ts";

/** One call with another in its middle; whether it came to that. */
class Meeting {
  readonly ledger: QueueLedger;
  readonly #trap: Trap;
  readonly #inner: QueueCall;
  #phase: "before" | "under way" | "sprung" = "before";

  constructor(trap: Trap, start: Start, inner: QueueCall) {
    this.#trap = trap;
    this.#inner = inner;
    this.ledger = new QueueLedger(trap.inQueue?.(this.#spring) ?? {});
    this.ledger.setUp(start);
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
    for (const start of ["fill", "leaveRoom", "starve"] as const) {
      for (const outer of QUEUE_CALLS) {
        for (const inner of QUEUE_CALLS) {
          const meeting = new Meeting(trap, start, inner);
          // What is told at most once a second may be told again.
          await meeting.ledger.stage.advance(1_500);
          meeting.run(outer);
          if (!meeting.isSprung) continue;
          sprung.add(outer);
          await meeting.ledger.stage.rest();
          const faults = [...meeting.ledger.faults(), ...(await meeting.ledger.end())];
          expect({ start, outer, inner, faults }).toEqual({ start, outer, inner, faults: [] });
        }
      }
    }

    // A trap that catches nobody proves nothing.
    expect([...sprung]).toEqual(expect.arrayContaining([...(CAUGHT_BY[trap.name] ?? ["consume"])]));
  });
});

const WITH_OPTIONS = "ask close consume drop get join loop put stop".split(" ");

/** Which calls run into it at least; hooks of async_hooks come when the runtime says so. */
const CAUGHT_BY: Readonly<Record<string, string[]>> = {
  "a getter of the options": WITH_OPTIONS,
  "a Proxy for the options": WITH_OPTIONS,
  "the methods of a signal": ["ask", "get", "join", "loop", "put"],
  "a hook of async_hooks, call 1": ["ask", "get", "join", "loop", "put"],
  "a getter of then on Object.prototype": ["ask", "get", "put", "putBack", "tryPut"],
  "a ranking function": ["ask", "put", "tryPut"],
  "a toJSON, under a describe that serialises": ["fail", "look"],
  "a toString of what describe returned": ["fail", "look"],
  "a logger": ["ask", "put"],
  "a listener of full": ["ask", "put"],
};

describe("a value", () => {
  it("is never looked into: whatever it has of toJSON, toString, valueOf and getters, none is called", async () => {
    let callCount = 0;
    const count = (): number => ++callCount;
    const sly = Object.defineProperties(
      { toJSON: count, toString: count, valueOf: count, [Symbol.toPrimitive]: count },
      { name: { enumerable: true, get: count }, length: { enumerable: true, get: count } },
    );
    const stage = new QueueStage<object>({ capacity: 2, diagnostics: "full" });
    const { queue } = stage;
    const late = watch(queue.join({ waitMs: 1_000 }));
    queue.tryPut(sly);
    const lease = await queue.get();
    const join = watch(queue.join({ waitMs: 1_000 }));
    for (let n = 0; n < 3; n++) void watch(queue.put(sly, { waitMs: 1_000 }));
    await stage.advance(1_000);
    const told = [queue.snapshot(), queue.holders(), queue.waits(), join.reason, late.reason];
    const texts = told.map((each) => JSON.stringify(each));
    lease.fail(sly);
    await queue.put(sly, { whenFull: "drop-oldest" });
    queue.close({ drop: true });
    texts.push(JSON.stringify(stage.log));

    expect(texts.join("")).toContain("an object");
    expect(callCount).toBe(0);
  });
});
