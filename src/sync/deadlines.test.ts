import { expect, it } from "vitest";
import { QueueStage, watch } from "../../test/sync/queue-stage.ts";

it("waits of very many lengths end each at its own deadline, whatever came and went between", async () => {
  const stage = new QueueStage<number>({ capacity: 1, waitersMax: 1_000 });
  stage.queue.tryPut(0);
  const [early, late] = [5, 10_000].map((waitMs) => watch(stage.queue.put(1, { waitMs })));
  for (const lengths of [100, 200, 300]) {
    const stop = new AbortController();
    for (let waitMs = lengths; waitMs < lengths + 100; waitMs++) {
      watch(stage.queue.put(2, { waitMs, signal: stop.signal }));
    }
    stop.abort();
  }
  const again = watch(stage.queue.put(3, { waitMs: 10_000 }));
  const kept = [1_000, 2_000].map((waitMs) => watch(stage.queue.put(4, { waitMs })));
  const pending = (): readonly boolean[] =>
    [early, ...kept, late, again].map((wait) => wait?.isPending === true);

  await stage.advance(5);
  expect(pending()).toEqual([false, true, true, true, true]);
  await stage.advance(995);
  expect(pending()).toEqual([false, false, true, true, true]);
  await stage.advance(1_000);
  expect(pending()).toEqual([false, false, false, true, true]);
  await stage.advance(8_000);

  expect(pending()).toEqual([false, false, false, false, false]);
  expect(stage.queue.snapshot()).toMatchObject({ putters: 0, size: 1 });
});
