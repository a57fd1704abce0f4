/** Which waits are stuck, when several hold each other or only seem to. */
import { beforeEach, describe, expect, it } from "vitest";
import { watch } from "../../test/sync/queue-stage.ts";
import { allOf, anyOf, type OpenWait, scope, WaitStage } from "../../test/sync/wait-stage.ts";
import { Flow, runInFlow } from "./flow.ts";
import type { Movers } from "./wait-graph.ts";

let stage: WaitStage;

beforeEach(() => {
  stage = new WaitStage();
});

async function microtasks(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await Promise.resolve();
}

describe("a wait among others", () => {
  it("that one may end who waits for what nobody is known to end stays open", async () => {
    const [a, b] = [new Flow("a"), new Flow("b")];
    const waits: OpenWait[] = [];
    const begin = (flow: Flow, movers: () => Movers): Promise<unknown> =>
      scope(flow, () => {
        const wait = stage.aWait(flow, movers);
        waits.push(wait);
        return wait.done;
      });
    const results = [begin(b, anyOf()), begin(a, anyOf(a, b))];

    expect(await stage.isOpen(Promise.race(results))).toBe(true);
    for (const wait of waits) wait.end();
    expect(await Promise.all(results)).toEqual(["done", "done"]);
  });

  it("that one may end who has waited before, and goes on, stays open", async () => {
    const [a, b] = [new Flow("a"), new Flow("b")];
    let past: OpenWait | undefined;
    let wait: OpenWait | undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const other = scope(b, async () => {
      past = stage.aWait(b, () => "unknown");
      await past.done;
      await promise;
    });
    await stage.clock.advance(10);
    past?.end();
    const result = scope(a, () => (wait = stage.aWait(a, anyOf(a, b))).done);

    expect(await stage.isOpen(result)).toBe(true);
    wait?.end();
    resolve();
    await other;
  });

  it("that waits for others who hold each other is not refused, however long they do", async () => {
    const [a, b, c] = [new Flow("a"), new Flow("b"), new Flow("c")];
    const waits: OpenWait[] = [];
    const begin = (flow: Flow, movers: () => Movers, refuses: boolean): Promise<unknown> =>
      scope(flow, () => {
        const wait = stage.aWait(flow, movers, { refuses });
        waits.push(wait);
        return wait.done;
      });
    const begun = [begin(a, anyOf(b), false), begin(b, anyOf(a), false), begin(c, anyOf(a), true)];

    expect(await stage.isOpen(Promise.race(begun))).toBe(true);
    for (const wait of waits) wait.end();
    expect(await Promise.all(begun)).toEqual(["done", "done", "done"]);
  });

  it("is told the shortest way back to itself that leads over stuck waits only", async () => {
    const [a, b, c, free] = [new Flow("a"), new Flow("b"), new Flow("c"), new Flow("free")];
    const side = new Flow("side");
    const waits: OpenWait[] = [];
    const begin = (flow: Flow, movers: () => Movers): Promise<unknown> =>
      runInFlow(flow, () => {
        const wait = stage.aWait(flow, movers, { what: flow.name });
        waits.push(wait);
        return wait.done;
      });
    const others = [begin(side, anyOf(a, free)), begin(b, anyOf(c)), begin(c, anyOf(a))];

    const error: unknown = await begin(a, allOf(side, b)).catch((reason: unknown) => reason);

    expect(error).toMatchObject({
      details: {
        cycle: [
          { flow: "b", holds: "a", waitsFor: "b" },
          { flow: "c", holds: "b", waitsFor: "c" },
          { flow: "a", holds: "c", waitsFor: "a" },
        ],
      },
    });
    for (const wait of waits) wait.end();
    await Promise.all(others);
  });

  it("is not refused for the sake of others that were not proven again with it", async () => {
    const [a, b, c] = [new Flow("a"), new Flow("b"), new Flow("c")];
    let askedCount = 0;
    let wait: OpenWait | undefined;
    const others = [
      scope(b, () => stage.aWait(b, anyOf(c)).done),
      scope(c, () => stage.aWait(c, anyOf(b)).done),
    ];
    const first = scope(a, () => {
      // When its cycle is proven again somebody has come who could end it, and is stuck just then.
      wait = stage.aWait(a, () => (askedCount++ === 0 ? anyOf(a)() : anyOf(a, b)()));
      return wait.done;
    });

    expect(await stage.isOpen(first)).toBe(true);
    wait?.end();
    expect(await first).toBe("done");
    expect(await Promise.race(others)).toBe("UNJAM_DEADLOCK");
  });

  it("that somebody may end after all when it is proven again must stand like any other", async () => {
    const [a, b] = [new Flow("a"), new Flow("b")];
    let askedCount = 0;
    let other: OpenWait | undefined;
    const second = scope(b, () => (other = stage.aWait(b, anyOf(a))).done);
    const first = watch(
      scope(a, () => {
        const atFirst = anyOf(a, b);
        const later = (): Movers => ({ need: "any", flows: [a], isSure: false });
        return stage.aWait(a, () => (askedCount++ === 0 ? atFirst() : later())).done;
      }),
    );

    await stage.clock.advance(1_000);
    const isPendingAtFirst = first.isPending;
    await stage.clock.advance(2_000);
    other?.end();
    await second;

    expect([isPendingAtFirst, first.value]).toEqual([true, "UNJAM_DEADLOCK"]);
  });

  it("is stuck also beside one who may be let go by whoever comes first", async () => {
    const [a, x, p] = [new Flow("a"), new Flow("x"), new Flow("p")];
    const waits: OpenWait[] = [];
    const begin = (flow: Flow, movers: () => Movers): Promise<unknown> =>
      scope(flow, () => {
        const wait = stage.aWait(flow, movers);
        waits.push(wait);
        return wait.done;
      });
    const others = [begin(p, () => "unknown"), begin(x, anyOf(p, new Flow("free")))];

    expect(await begin(a, allOf(a, x))).toBe("UNJAM_DEADLOCK");
    for (const wait of waits) wait.end();
    await Promise.all(others);
  });

  it("is the only one that is refused, of several that it finds to be stuck", async () => {
    const [a, b, c] = [new Flow("a"), new Flow("b"), new Flow("c")];
    let isStuck = false;
    const once = (flow: Flow) => (): Movers => (isStuck ? anyOf(flow)() : "unknown");
    const others = [
      scope(b, () => stage.aWait(b, once(c)).done),
      scope(c, () => stage.aWait(c, once(b)).done),
    ].map(watch);
    // They look again after 110 ms.
    await stage.clock.advance(50);
    isStuck = true;
    const found = watch(scope(a, () => stage.aWait(a, anyOf(a, b)).done));

    await stage.clock.advance(20);

    expect(found.value).toBe("UNJAM_DEADLOCK");
    expect(others.map(({ isPending }) => isPending)).toEqual([true, true]);
    await stage.clock.advance(100);
    expect(others.some(({ value }) => value === "UNJAM_DEADLOCK")).toBe(true);
  });

  it("that outlives its flow is not taken for a wait of that flow by who awaits it then", async () => {
    const [a, next] = [new Flow("a"), new Flow("next")];
    const flows: Flow[] = [];
    let wait: OpenWait | undefined;
    await scope(next, async () => undefined);
    await scope(a, async () => {
      wait = stage.aWait(a, anyOf(a));
    });
    // Small numbers are used again first, so this one has the frames that the first had.
    flows.push(new Flow("b"));
    const result = scope(flows[0] ?? a, async () => await wait?.done);

    expect(flows[0]?.tag).toBe(a.tag);
    expect(await stage.isOpen(result)).toBe(true);
    wait?.end();
    expect(await result).toBe("done");
  });

  it("is not refused when what runs in the turn of the search lets it go on", async () => {
    const flow = new Flow("a");
    let isFree: boolean | undefined;
    let wait: OpenWait | undefined;
    const result = scope(flow, () => {
      wait = stage.aWait(flow, () => {
        if (isFree === undefined) {
          isFree = false;
          void microtasks(50).then(() => (isFree = true));
        }
        return isFree ? "unknown" : anyOf(flow)();
      });
      return wait.done;
    });

    expect(await stage.isOpen(result)).toBe(true);
    wait?.end();
  });
});
