import { expect, it } from "vitest";
import { collectUntil } from "./collector.ts";

it("a wait for the collector ends with a message when what it is for never comes", async () => {
  const kept = { weak: new WeakRef({}), strong: {} };
  kept.weak = new WeakRef(kept.strong);

  await expect(collectUntil(() => kept.weak.deref() === undefined, "it is gone")).rejects.toThrow(
    "after 50 collections it is not true that it is gone",
  );
  expect(kept.weak.deref()).toBe(kept.strong);
});
