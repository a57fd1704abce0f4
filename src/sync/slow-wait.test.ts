import { expect, it } from "vitest";
import { SlowWait } from "./slow-wait.ts";

it("ends once: whoever comes second with an answer changes nothing", async () => {
  let endCount = 0;
  const wait = new SlowWait<string>(0, {
    end: () => void endCount++,
    late: () => new Error("late"),
  });

  wait.answer("first");
  wait.answer("second");
  wait.refuse(new Error("third"));
  wait.late(1);

  expect(await wait.promise).toBe("first");
  expect([endCount, wait.isWaiting]).toEqual([1, false]);
});
