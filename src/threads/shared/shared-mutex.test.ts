import { describe, expect, it } from "vitest";
import { SharedMutex } from "./shared-mutex.ts";
import { SharedSemaphore } from "./shared-semaphore.ts";

describe("a shared mutex in one thread", () => {
  it("lets one in at a time", async () => {
    const mutex = new SharedMutex({ name: "m" });
    let inside = 0;
    let insideMax = 0;
    const enter = (): Promise<void> =>
      mutex.run(async () => {
        insideMax = Math.max(insideMax, ++inside);
        await new Promise(setImmediate);
        inside--;
      });
    await Promise.all(Array.from({ length: 20 }, enter));

    expect(insideMax).toBe(1);
    expect(mutex.isLocked).toBe(false);
    expect(mutex.waiters).toBe(0);
  });

  it("is not taken twice, also by another handle of it", () => {
    const mutex = new SharedMutex();
    const same = SharedMutex.from(mutex.handle);
    const guard = mutex.tryLock();

    expect(same.tryLock()).toBeUndefined();
    guard?.release();
    expect(same.tryLock()?.formerDied).toBeUndefined();
  });

  it("names its holder in the error of a late wait", async () => {
    const mutex = new SharedMutex({ name: "m", diagnostics: "full" });
    const guard = await mutex.lock();

    await expect(mutex.lock({ waitMs: 5 })).rejects.toMatchObject({
      code: "UNJAM_WAIT_TIMEOUT",
      message: expect.stringMatching(
        /^the wait for shared mutex "m" .* held by the main thread \(shared-mutex\.test\.ts:\d+/,
      ) as string,
    });
    expect(mutex.holders()).toMatchObject([{ who: "the main thread" }]);
    guard.release();
  });

  it.each([
    ["full", "exact", /held by the main thread \(shared-mutex\.test\.ts:\d+[^,)]*\) for/],
    [
      "sampled",
      "sampled",
      /held by the main thread \(shared-mutex\.test\.ts:\d+[^,)]*, sampled\) for/,
    ],
    ["off", null, /held by the main thread for/],
  ] as const)(
    "says what the place of its holder is worth: %s",
    async (diagnostics, siteKind, words) => {
      const mutex = new SharedMutex({ diagnostics });
      const guard = await mutex.lock();

      await expect(mutex.lock({ waitMs: 5 })).rejects.toThrow(words);
      expect(mutex.holders()).toMatchObject([{ siteKind }]);
      guard.release();
    },
  );

  it("is not given to who has left", async () => {
    const mutex = new SharedMutex();
    const guard = await mutex.lock();
    const stop = new AbortController();
    const aborted = mutex.lock({ signal: stop.signal });
    const next = mutex.lock();
    stop.abort("enough");
    guard.release();

    await expect(aborted).rejects.toBe("enough");
    (await next).release();
    expect(mutex.isLocked).toBe(false);
  });

  it("tells a flow that waits for itself, at once", async () => {
    const mutex = new SharedMutex({ name: "m", diagnostics: "full" });

    await expect(mutex.run(() => mutex.run(() => 1))).rejects.toMatchObject({
      code: "UNJAM_DEADLOCK",
      details: {
        cycle: [
          {
            ...{ holds: 'shared mutex "m"', holdSiteKind: "exact" },
            ...{ waitsFor: 'shared mutex "m"', waitSiteKind: "exact" },
          },
        ],
      },
    });
  });

  it("says in a cycle what the places are worth", async () => {
    const mutex = new SharedMutex({ name: "m", diagnostics: "sampled" });
    const place = String.raw`\(shared-mutex\.test\.ts:\d+, sampled\)`;

    await expect(mutex.run(() => mutex.run(() => 1))).rejects.toThrow(
      new RegExp(`holds shared mutex "m" ${place} and waits for shared mutex "m" ${place}$`),
    );
  });

  it("tells of two orders that have met", async () => {
    const L1 = new SharedMutex({ name: "L1", diagnostics: "full" });
    const L2 = new SharedMutex({ name: "L2", diagnostics: "full" });
    const move = (from: SharedMutex, to: SharedMutex): Promise<string> =>
      from.run(async () => {
        await new Promise(setImmediate);
        return to.run(() => "moved");
      });
    const results = await Promise.allSettled([move(L1, L2), move(L2, L1)]);

    expect(results.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(results.find(({ status }) => status === "rejected")).toMatchObject({
      reason: { code: "UNJAM_DEADLOCK" },
    });
  });

  it("refuses calls that would block the main thread", () => {
    const mutex = new SharedMutex();
    const refusal = expect.objectContaining({ code: "UNJAM_BLOCKING_ON_MAIN" }) as Error;

    expect(() => mutex.lockSync()).toThrow(refusal);
    expect(() => mutex.runSync(() => 1)).toThrow(refusal);
  });

  it.each([{}, null, new SharedSemaphore(1).handle])("is not opened by %j", (handle) => {
    expect(() => SharedMutex.from(handle as never)).toThrow(
      expect.objectContaining({ code: "UNJAM_HANDLE_INVALID" }),
    );
  });
});

describe("a shared semaphore in one thread", () => {
  it("lets in as many as it has permits", async () => {
    const semaphore = new SharedSemaphore(3, { name: "s" });
    let inside = 0;
    let insideMax = 0;
    const enter = (): Promise<void> =>
      semaphore.run(async () => {
        insideMax = Math.max(insideMax, ++inside);
        await new Promise(setImmediate);
        inside--;
      });
    await Promise.all(Array.from({ length: 20 }, enter));

    expect(insideMax).toBe(3);
    expect(semaphore.free).toBe(3);
  });

  it.each([0, 1.5, 1_025, Number.NaN])("does not come with %d permits", (permits) => {
    expect(() => new SharedSemaphore(permits)).toThrow(
      expect.objectContaining({ code: "UNJAM_INVALID_OPTION" }),
    );
  });

  it("is no deadlock while one of its holders may go on", async () => {
    const semaphore = new SharedSemaphore(2, { diagnostics: "full" });
    const free = await semaphore.lock();
    const nested = semaphore.run(() => semaphore.run(() => "inside"));
    await expect(semaphore.lock({ waitMs: 30 })).rejects.toMatchObject({
      code: "UNJAM_WAIT_TIMEOUT",
    });
    free.release();

    expect(await nested).toBe("inside");
  });
});
