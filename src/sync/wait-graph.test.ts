import { beforeEach, describe, expect, it } from "vitest";
import { isUnjamError } from "../core/errors.ts";
import { WAIT_GRAPH_STEPS_MAX } from "../core/limits.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { CallSite } from "./call-site.ts";
import { currentFlow, Flow, runInFlow } from "./flow.ts";
import { type Movers, waitInFlow } from "./wait-graph.ts";

let clock: ManualClock;

beforeEach(() => {
  clock = new ManualClock();
});

interface OpenWait {
  readonly done: Promise<string>;
  readonly end: () => void;
}

/** A wait of the flow that calls it. */
function aWait(flow: Flow, movers: () => Movers, what = "something"): OpenWait {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const site = CallSite.capture();
  const plain = { flow, what, movers, site, settled: promise, refuse: reject };
  return { done: waitInFlow({ ...plain, timers: clock }), end: () => resolve("done") };
}

/** Runs a scope that awaits what `begin` gives; resolves with its value, or with its error's code. */
function scope(flow: Flow, begin: () => Promise<unknown>): Promise<unknown> {
  return runInFlow(flow, async () => {
    try {
      return await begin();
    } catch (error) {
      return isUnjamError(error) ? error.code : error;
    }
  });
}

function anyOf(...flows: readonly Flow[]): () => Movers {
  return () => ({ need: "any", flows });
}

function allOf(...flows: readonly Flow[]): () => Movers {
  return () => ({ need: "all", flows });
}

/** Still open after every look. */
async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  void promise.then(() => {
    isSettled = true;
  });
  await clock.advance(25_000);
  return !isSettled;
}

describe("a wait", () => {
  it("that only its own flow could end is refused", async () => {
    const flow = new Flow("a");

    expect(await scope(flow, () => aWait(flow, anyOf(flow)).done)).toBe("UNJAM_DEADLOCK");
  });

  it("that something unknown may end stays open", async () => {
    const flow = new Flow("a");
    let wait: OpenWait | undefined;
    const result = scope(flow, () => (wait = aWait(flow, () => "unknown")).done);

    expect(await isOpen(result)).toBe(true);
    wait?.end();
    expect(await result).toBe("done");
  });

  it("tells who really waits for it, and that nobody does any more", async () => {
    const flow = new Flow("a");
    const proofs: (readonly string[])[] = [];
    const onProof = (flows: readonly Flow[]): number => proofs.push(flows.map(({ name }) => name));
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const plain = { flow, what: "w", movers: () => "unknown" as const, refuse: reject };
    const site = CallSite.capture();
    const result = scope(flow, () =>
      waitInFlow({ ...plain, site, settled: promise, timers: clock, onProof }),
    );
    await clock.advance(1);
    resolve("done");

    expect(await result).toBe("done");
    expect([proofs[0], proofs.at(-1)]).toEqual([["a"], []]);
  });

  it("that nobody is known to end stays open", async () => {
    const flow = new Flow("a");
    let wait: OpenWait | undefined;
    const result = scope(flow, () => (wait = aWait(flow, anyOf())).done);

    expect(await isOpen(result)).toBe(true);
    wait?.end();
  });

  it("that any of two may end stays open while one of them goes on", async () => {
    const [a, free] = [new Flow("a"), new Flow("free")];
    let wait: OpenWait | undefined;
    const result = scope(a, () => (wait = aWait(a, anyOf(a, free))).done);

    expect(await isOpen(result)).toBe(true);
    wait?.end();
  });

  it("that needs all of two is refused when one of them is stuck", async () => {
    const [a, free] = [new Flow("a"), new Flow("free")];

    expect(await scope(a, () => aWait(a, allOf(free, a)).done)).toBe("UNJAM_DEADLOCK");
  });

  it("of a flow that has another wait, which may end, stays open until that one has", async () => {
    const a = new Flow("a");
    let other: OpenWait | undefined;
    const result = scope(a, async () => {
      other = aWait(a, () => "unknown");
      return await Promise.all([aWait(a, anyOf(a)).done, other.done]);
    });

    expect(await isOpen(result)).toBe(true);
    other?.end();
    await clock.advance(25_000);
    expect(await result).toBe("UNJAM_DEADLOCK");
  });

  it("that waits for others who hold each other is not the one that is refused", async () => {
    const [a, b, c] = [new Flow("a"), new Flow("b"), new Flow("c")];
    const outcomes: unknown[] = [];
    let third: OpenWait | undefined;
    const begun = [
      scope(c, () => (third = aWait(c, anyOf(a), "c")).done).then((x) => outcomes.push("c", x)),
      scope(a, () => aWait(a, anyOf(b), "a").done).then((x) => outcomes.push("a", x)),
      scope(b, () => aWait(b, anyOf(a), "b").done).then((x) => outcomes.push("b", x)),
    ];
    await begun[2];
    await clock.advance(25_000);
    third?.end();
    await begun[0];

    expect(outcomes).toEqual(["b", "UNJAM_DEADLOCK", "c", "done"]);
  });

  it("that comes last, and waits for others who hold each other, is not the one that is refused", async () => {
    const [a, b, c] = [new Flow("a"), new Flow("b"), new Flow("c")];
    let third: OpenWait | undefined;
    const begun = [
      scope(a, () => aWait(a, anyOf(b)).done),
      scope(b, () => aWait(b, anyOf(a)).done),
      scope(c, () => (third = aWait(c, anyOf(a))).done),
    ];

    expect(await isOpen(begun[2] ?? Promise.resolve())).toBe(true);
    third?.end();
    expect(await begun[1]).toBe("UNJAM_DEADLOCK");
  });

  it("is told the shortest way back to itself that leads over stuck waits only", async () => {
    const [a, b, c, free] = [new Flow("a"), new Flow("b"), new Flow("c"), new Flow("free")];
    const side = new Flow("side");
    const waits: OpenWait[] = [];
    const begin = (flow: Flow, movers: () => Movers): Promise<unknown> =>
      runInFlow(flow, () => {
        const wait = aWait(flow, movers, flow.name);
        waits.push(wait);
        return wait.done;
      });
    const others = [begin(side, anyOf(a, free)), begin(b, anyOf(c)), begin(c, anyOf(a))];

    const error: unknown = await begin(a, allOf(side, b)).catch((reason: unknown) => reason);

    expect(error).toMatchObject({
      details: { cycle: [{ flow: "b" }, { flow: "c" }, { flow: "a" }] },
    });
    for (const wait of waits) wait.end();
    await Promise.all(others);
  });

  it("is not refused for the sake of others that were not proven again with it", async () => {
    const [a, b, c] = [new Flow("a"), new Flow("b"), new Flow("c")];
    let askedCount = 0;
    let wait: OpenWait | undefined;
    const first = scope(a, () => {
      // When its cycle is proven again somebody has come who could end it, and is stuck just then.
      wait = aWait(a, () => (askedCount++ < 2 ? anyOf(a)() : anyOf(a, b)()));
      return wait.done;
    });
    const others = [
      scope(b, () => aWait(b, anyOf(c)).done),
      scope(c, () => aWait(c, anyOf(b)).done),
    ];

    expect(await isOpen(first)).toBe(true);
    wait?.end();
    expect(await first).toBe("done");
    expect(await Promise.race(others)).toBe("UNJAM_DEADLOCK");
  });

  it("that is not awaited by its flow stays open", async () => {
    const flow = new Flow("a");
    let wait: OpenWait | undefined;
    await scope(flow, async () => {
      wait = aWait(flow, anyOf(flow));
      await clock.advance(25_000);
    });

    wait?.end();
    expect(await wait?.done).toBe("done");
  });

  it("that ends before the first look is not looked at", async () => {
    const flow = new Flow("a");
    let askedCount = 0;
    const result = scope(flow, async () => {
      const wait = aWait(flow, () => {
        askedCount++;
        return "unknown";
      });
      wait.end();
      return await wait.done;
    });

    expect(await result).toBe("done");
    await clock.advance(25_000);
    expect(askedCount).toBe(0);
  });

  it("that goes on between the search and the refusal is not refused", async () => {
    const flow = new Flow("a");
    let askedCount = 0;
    let wait: OpenWait | undefined;
    const result = scope(flow, () => {
      wait = aWait(flow, () => {
        askedCount++;
        // As if somebody who could end it had come meanwhile.
        return askedCount <= 2 ? anyOf(flow)() : "unknown";
      });
      return wait.done;
    });

    expect(await isOpen(result)).toBe(true);
    wait?.end();
  });

  it("in a graph that is too large to search counts as one that will end", async () => {
    // Each flow waits for the two of the next layer, so the ways double with each layer.
    const layers = Array.from({ length: 16 }, () => [new Flow("left"), new Flow("right")]);
    const waits: OpenWait[] = [];
    const results = layers.flatMap((layer, index) =>
      layer.map((flow) =>
        scope(flow, () => {
          const wait = aWait(flow, anyOf(...(layers[(index + 1) % layers.length] ?? [])));
          waits.push(wait);
          return wait.done;
        }),
      ),
    );
    expect(2 ** layers.length).toBeGreaterThan(WAIT_GRAPH_STEPS_MAX);

    await clock.advance(200);
    for (const wait of waits) wait.end();

    expect(new Set(await Promise.all(results))).toEqual(new Set(["done"]));
  });
});

describe("a flow", () => {
  it("says what it waits for", async () => {
    const flow = new Flow("a");
    let wait: OpenWait | undefined;
    const result = scope(flow, () => (wait = aWait(flow, () => "unknown", "room")).done);

    expect(flow.waitsFor).toBe("room");
    wait?.end();
    await result;
    expect(flow.waitsFor).toBeUndefined();
  });

  it("is over when its scope has ended, and what it started belongs to the one around it", async () => {
    const [outer, inner] = [new Flow("outer"), new Flow("inner")];
    let later: Promise<Flow | undefined> | undefined;

    await runInFlow(outer, async () => {
      await runInFlow(new Flow("inner"), async () => {
        later = clock.rest().then(() => currentFlow());
      });
      expect(await later).toBe(outer);
    });

    expect(outer.isOver).toBe(true);
    expect(inner.isOver).toBe(false);
    outer.end();
    expect(currentFlow()).toBeUndefined();
  });

  it("of a scope that throws is over too", async () => {
    const flow = new Flow("a");

    await expect(runInFlow(flow, () => Promise.reject(new Error("inside")))).rejects.toThrow(
      "inside",
    );
    expect(flow.isOver).toBe(true);
  });
});

describe("many scopes at once", () => {
  it("are told apart", async () => {
    const flows = Array.from({ length: 100 }, (_, index) => new Flow(`flow ${index}`));
    const waits: OpenWait[] = [];
    // Each waits for the next; only the last, which waits for the one before it, closes a cycle.
    const results = flows.map((flow, index) => {
      const next = flows[index + 1] ?? flows[index - 1] ?? flow;
      return scope(flow, () => {
        const wait = aWait(flow, anyOf(next), `the end of ${index}`);
        waits.push(wait);
        return wait.done;
      });
    });
    await clock.advance(25_000);
    for (const wait of waits) wait.end();

    const outcomes = await Promise.all(results);

    expect(outcomes.filter((outcome) => outcome === "UNJAM_DEADLOCK")).toHaveLength(1);
    expect(outcomes.slice(0, -2).every((outcome) => outcome === "done")).toBe(true);
  });
});
