import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Item, type ItemPhase } from "./item.ts";
import { itemOrder, type Order } from "./item-order.ts";

const ORDERS: readonly Order<number>[] = ["fifo", "lifo", { by: rankOf }];

function rankOf(n: number): number {
  return n % 3;
}

/** What the orders do, as a list of those that wait, by age. */
class Model {
  readonly #order: Order<number>;
  byAge: number[] = [];

  constructor(order: Order<number>) {
    this.#order = order;
  }

  /** In lifo what is put back is the newest, elsewhere it counts as the oldest. */
  putBack(n: number): void {
    if (this.#order === "lifo") this.byAge.push(n);
    else this.byAge.unshift(n);
  }

  next(): number | undefined {
    return this.#order === "lifo" ? this.byAge.at(-1) : this.all()[0];
  }

  all(): number[] {
    if (typeof this.#order === "string") return this.byAge;
    return this.byAge.toSorted((a, b) => rankOf(a) - rankOf(b));
  }

  remove(n: number | undefined): void {
    this.byAge = this.byAge.filter((other) => other !== n);
  }
}

describe.each(ORDERS)("the order %j", (order) => {
  it("takes, drops and puts back as a plain list does", () => {
    const step = fc.constantFrom("push", "push", "push", "take", "back", "dropOldest", "dropAny");
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const queue = itemOrder<number>(order);
        const model = new Model(order);
        const held: Item<number>[] = [];
        steps.forEach((name, n) => {
          if (name === "push") {
            queue.push(new Item(n, "queued", undefined), rankOf(n));
            model.byAge.push(n);
          } else if (name === "take") {
            const item = queue.shift();
            expect(item?.value).toBe(model.next());
            model.remove(item?.value);
            if (item === undefined) return;
            item.phase = "held";
            held.push(item);
          } else if (name === "back") {
            const item = held.pop();
            if (item === undefined) return;
            item.phase = "queued";
            queue.unshift(item);
            model.putBack(item.value);
          } else {
            const item = name === "dropOldest" ? queue.oldest() : queue.all()[n % 5];
            if (name === "dropOldest") expect(item?.value).toBe(model.byAge[0]);
            model.remove(item?.value);
            if (item === undefined) return;
            item.phase = "over";
            queue.dropped();
          }
          expect(queue.all().map(({ value }) => value)).toEqual(model.all());
        });
      }),
      { numRuns: 1_000 },
    );
  });

  it("looks at a few items for each that is dropped or put back, however many wait", () => {
    const looks = new Looks();
    const queue = itemOrder<number>(order);
    const waiting = 10_000;
    for (let n = 0; n < waiting; n++) queue.push(looks.item(n), rankOf(n));
    // What is made once, when it is first asked for, is not what each costs.
    queue.oldest();
    looks.count = 0;

    for (let n = 0; n < 2 * waiting; n++) {
      const oldest = queue.oldest();
      if (oldest === undefined) break;
      oldest.phase = "over";
      queue.dropped();
      queue.push(looks.item(n), rankOf(n));
      const item = queue.shift();
      if (item === undefined) break;
      item.phase = "held";
      item.phase = "queued";
      queue.unshift(item);
    }

    expect(queue.all()).toHaveLength(waiting);
    expect(looks.count).toBeLessThan(2 * waiting * 20);
  });

  it("keeps few places for one item that is taken and put back without end", () => {
    const looks = new Looks();
    const queue = itemOrder<number>(order);
    for (let n = 0; n < 2; n++) queue.push(looks.item(n), 0);
    for (let round = 0; round < 100_000; round++) {
      queue.oldest();
      const item = queue.shift();
      if (item !== undefined) queue.unshift(item);
    }
    looks.count = 0;

    queue.all();
    queue.oldest();

    expect(looks.count).toBeLessThan(3_000);
  });
});

/** Items that count how often somebody asks where they are: the cost of a call, without a clock. */
class Looks {
  count = 0;

  item(value: number): Item<number> {
    const item = new Item(value, "queued", undefined);
    let phase: ItemPhase = "queued";
    const look = (): void => void this.count++;
    return Object.defineProperty(item, "phase", {
      get: () => (look(), phase),
      set: (next: ItemPhase) => {
        phase = next;
      },
    });
  }
}
