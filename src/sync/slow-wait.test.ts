import { expect, it } from "vitest";
import { SlowWait } from "./slow-wait.ts";

it("ends once: whoever comes second with an answer changes nothing", async () => {
  let endCount = 0;
  const place = { flow: undefined, site: undefined, before: undefined, after: undefined };
  const about = { ...place, what: "something", who: undefined, since: 0, waitMs: 1 };
  const wait = new SlowWait<string>(about, {
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
