import { describe, expect, it } from "vitest";
import { WorthTrying } from "./worth-trying.ts";

/** Occasions until the next try. */
function occasions(tries: WorthTrying): number {
  let count = 0;
  while (!tries.isWorthIt()) count++;
  return count;
}

describe("a look before sleeping", () => {
  it("is worth it as long as it finds something", () => {
    const tries = new WorthTrying();

    tries.succeeded();

    expect(occasions(tries)).toBe(0);
  });

  it("waits twice as long after each time in vain, up to 256 occasions", () => {
    const tries = new WorthTrying();
    const pauses: number[] = [];

    for (let times = 0; times < 10; times++) {
      tries.failed();
      pauses.push(occasions(tries));
    }

    expect(pauses).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 256, 256]);
  });

  it("is made each time again once it has found something", () => {
    const tries = new WorthTrying();
    for (let times = 0; times < 5; times++) tries.failed();
    occasions(tries);

    tries.succeeded();
    tries.failed();

    expect(occasions(tries)).toBe(2);
  });
});
