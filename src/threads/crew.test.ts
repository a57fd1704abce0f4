import { describe, expect, it } from "vitest";
import { SteppedClock } from "../../test/runtime/stepped-clock.ts";
import { TERMINATE_MS_MAX } from "../core/limits.ts";
import { Crew, type CrewMember, type Role } from "./crew.ts";
import type { SlotState } from "./thread-slot.ts";

/** Somebody who is as warm as the test says, and ends when it says so. */
class PlayedMember implements CrewMember {
  readonly number: number;
  readonly slot: { state: SlotState; end(): Promise<void> };
  role: Role;
  readonly ended: PromiseWithResolvers<void> = Promise.withResolvers<void>();

  constructor(number: number, role: Role) {
    this.number = number;
    this.role = role;
    this.slot = {
      state: "starting",
      end: () => {
        this.slot.state = "ending";
        return this.ended.promise;
      },
    };
  }
}

function aCrew() {
  const clock = new SteppedClock();
  let count = 0;
  const crew = new Crew(clock, (role) => new PlayedMember(++count, role));
  return { clock, crew, numbers: (role: Role) => crew.in(role).map(({ number }) => number) };
}

describe("a crew", () => {
  it("starts a new member when there is no spare", () => {
    const { crew, numbers } = aCrew();

    crew.enlist();
    crew.enlist();

    expect(numbers("member")).toEqual([1, 2]);
    expect(crew.count("spare")).toBe(0);
  });

  it("enlists the spare that has started before one that still does", () => {
    const { crew, numbers } = aCrew();
    crew.warm();
    crew.warm();
    const second = crew.get(2);
    if (second !== undefined) second.slot.state = "idle";

    const first = crew.enlist();
    crew.enlist();

    expect(first.number).toBe(2);
    expect(numbers("member")).toEqual([1, 2]);
  });

  it("forgets whom it dismisses, and says of whom it knew", () => {
    const { crew } = aCrew();
    const member = crew.enlist();

    crew.dismiss(member);

    expect(member.slot.state).toBe("ending");
    expect(crew.get(1)).toBeUndefined();
    expect(crew.forget(member)).toBe(false);
  });

  it("tells of one that cannot be ended, and when it ends after all", async () => {
    const { clock, crew } = aCrew();
    const member = crew.enlist();
    const told: string[] = [];
    crew.end(member, { left: () => told.push("left"), freed: () => told.push("freed") });

    await clock.advance(TERMINATE_MS_MAX - 1);
    const before = [...told];
    await clock.advance(1);
    const after = [...told];
    member.ended.resolve();
    await clock.settle();

    expect([before, after, told]).toEqual([[], ["left"], ["left", "freed"]]);
  });

  it("tells nothing of one that ends in time", async () => {
    const { clock, crew } = aCrew();
    const member = crew.enlist();
    const told: string[] = [];
    crew.end(member, { left: () => told.push("left"), freed: () => told.push("freed") });

    member.ended.resolve();
    await clock.advance(TERMINATE_MS_MAX);

    expect(told).toEqual([]);
    expect(clock.pendingCount).toBe(0);
  });

  it("that is closed ends all, knows nobody at once, and resolves when they are gone", async () => {
    const { clock, crew } = aCrew();
    const member = crew.enlist();
    crew.warm();
    const spare = crew.get(2);
    let isClosed = false;

    const closed = crew.close().then(() => (isClosed = true));
    const left = [...crew.all];
    member.ended.resolve();
    await clock.settle();
    const wasClosed = isClosed;
    spare?.ended.resolve();
    await closed;

    expect(left).toEqual([]);
    expect([member, spare].map((one) => one?.slot.state)).toEqual(["ending", "ending"]);
    expect(wasClosed).toBe(false);
  });
});
