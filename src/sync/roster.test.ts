import { array, assert, nat, property } from "fast-check";
import { expect, it } from "vitest";
import { type Member, Roster } from "./roster.ts";

class Guest implements Member<Guest> {
  before: Guest | undefined;
  after: Guest | undefined;
}

it("does what a Set does, whoever comes and goes", () => {
  assert(
    property(array(nat({ max: 19 }), { maxLength: 60 }), (steps) => {
      const guests = Array.from({ length: 10 }, () => new Guest());
      const roster = new Roster<Guest>();
      const model = new Set<Guest>();
      for (const step of steps) {
        const guest = guests[step % 10] ?? new Guest();
        if (step < 10 && !model.has(guest)) {
          roster.add(guest);
          model.add(guest);
        } else expect(roster.delete(guest)).toBe(model.delete(guest));
        expect([...roster]).toEqual([...model]);
        expect([roster.size, roster.first]).toEqual([model.size, [...model][0]]);
      }
    }),
  );
});

it("leaves those who have left without a way to those who are in", () => {
  const roster = new Roster<Guest>();
  const guests = [new Guest(), new Guest(), new Guest()];
  for (const guest of guests) roster.add(guest);

  for (const guest of guests) roster.delete(guest);

  for (const { before, after } of guests) expect([before, after]).toEqual([undefined, undefined]);
});
