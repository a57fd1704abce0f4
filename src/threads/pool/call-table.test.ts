import { describe, expect, it } from "vitest";
import { Call } from "./call.ts";
import { CallTable } from "./call-table.ts";

const aCall = (): Call => new Call({ name: "f", index: 0, estimateMs: undefined }, 10, 0);

describe("the table of calls", () => {
  it("finds a call by its number as long as it is there", () => {
    const table = new CallTable();
    const call = aCall();
    table.add(call);
    const { id } = call;

    const found = table.get(id);
    table.remove(call);

    expect(found).toBe(call);
    expect(table.get(id)).toBeUndefined();
  });

  it("gives a place a new number each time, so that what comes late for the old one hits nobody", () => {
    const table = new CallTable();
    const numbers = new Set<number>();

    for (let round = 0; round < 1_000; round++) {
      const call = aCall();
      table.add(call);
      numbers.add(call.id);
      table.remove(call);
    }

    expect(numbers.size).toBe(1_000);
  });

  it("keeps numbers within 32 bits, with one to spare", () => {
    const table = new CallTable();
    let highest = 0;

    for (let round = 0; round < 3_000; round++) {
      const call = aCall();
      table.add(call);
      highest = Math.max(highest, call.id);
      table.remove(call);
    }

    expect(highest + 1).toBeLessThan(2 ** 31);
  });
});
