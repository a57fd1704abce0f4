import { expect, it } from "vitest";
import { until } from "./condition.ts";
import { Workshop } from "./remote-app.ts";
import { StoreFile } from "./store-file.ts";

const TEN_DAYS_MS = 864_000_000;

/**
 * Makes the file look as if it came from an earlier boot of the machine: another boot id, and times
 * of a monotonic clock that had run for ten days longer.
 */
function fromEarlierBoot(path: string): void {
  using file = StoreFile.open(path);
  file.db.exec(`UPDATE owners SET machine = '00000000-0000-4000-8000-000000000000 pid:[1]',
    beat_at = beat_at + ${TEN_DAYS_MS};
    UPDATE jobs SET lease_until = lease_until + ${TEN_DAYS_MS} WHERE state = 2`);
}

it("jobs that ran when the machine went down are taken up after the next start of a process", async () => {
  using shop = new Workshop();
  {
    await using app = await shop.open({ work: { loop: 10, threads: 1 } });
    for (let n = 1; n <= 5; n++) await app.enqueue("linger", { n, ms: 200 });
    await app.enqueue("crunch", { n: 6, ms: 30_000 });
    await app.enqueue("linger", { n: 7, ms: 60_000 });
    await until("they run", () => (shop.runs().size === 7 ? true : undefined));
    await app.program.kill();
  }
  {
    // What takes long must not take as long again.
    using file = StoreFile.open(shop.file);
    file.db.exec("UPDATE jobs SET payload = json_set(payload, '$.ms', 10)");
  }
  fromEarlierBoot(shop.file);

  await using app = await shop.open({ work: { loop: 10, threads: 1 } });
  await app.ask("join", { options: { waitMs: 10_000 } });
  const owners = await app.ask("workers");
  await app.close();

  using file = StoreFile.open(shop.file);
  const outcomes = file.jobs().map(({ n, state, attempt }) => ({ n, state, attempt }));
  expect(outcomes.filter(({ state, attempt }) => state !== "done" || attempt !== 1)).toEqual([]);
  expect(file.jobs("losses = 1").length).toBeGreaterThanOrEqual(2);
  expect(owners).toMatchObject([{ leftAt: null }, { reason: "the machine was started anew" }]);
  expect(file.faults()).toEqual([]);
});
