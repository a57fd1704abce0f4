import { beforeEach, describe, expect, it } from "vitest";
import { allOf, anyOf, type OpenWait, scope, WaitStage } from "../../test/sync/wait-stage.ts";
import type { Timers } from "../core/clock.ts";
import { WAIT_GRAPH_STEPS_MAX, WAIT_LOOKS_TURN_MAX } from "../core/limits.ts";
import { currentFlow, Flow, runInFlow } from "./flow.ts";
import { type Movers, waitInFlow } from "./wait-graph.ts";

let stage: WaitStage;

beforeEach(() => {
  stage = new WaitStage();
});

describe("a wait", () => {
  it("that only its own flow could end is refused", async () => {
    const flow = new Flow("a");

    expect(await scope(flow, () => stage.aWait(flow, anyOf(flow)).done)).toBe("UNJAM_DEADLOCK");
  });

  it("that something unknown may end stays open", async () => {
    const flow = new Flow("a");
    let wait: OpenWait | undefined;
    const result = scope(flow, () => (wait = stage.aWait(flow, () => "unknown")).done);

    expect(await stage.isOpen(result)).toBe(true);
    wait?.end();
    expect(await result).toBe("done");
  });

  it("tells who really waits for it, and that nobody does any more", async () => {
    const flow = new Flow("a");
    const proofs: (readonly string[])[] = [];
    const onProof = (flows: readonly Flow[]): number => proofs.push(flows.map(({ name }) => name));
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const plain = { flow, what: "w", movers: () => "unknown" as const, refuse: reject };
    const { clock } = stage;
    const result = scope(flow, () =>
      waitInFlow({ ...plain, site: undefined, settled: promise, timers: clock, onProof }),
    );
    await clock.advance(1);
    resolve("done");

    expect(await result).toBe("done");
    expect([proofs[0], proofs.at(-1)]).toEqual([["a"], []]);
  });

  it("that nobody is known to end stays open", async () => {
    const flow = new Flow("a");
    let wait: OpenWait | undefined;
    const result = scope(flow, () => (wait = stage.aWait(flow, anyOf())).done);

    expect(await stage.isOpen(result)).toBe(true);
    wait?.end();
  });

  it("that any of two may end stays open while one of them goes on", async () => {
    const [a, free] = [new Flow("a"), new Flow("free")];
    let wait: OpenWait | undefined;
    const result = scope(a, () => (wait = stage.aWait(a, anyOf(a, free))).done);

    expect(await stage.isOpen(result)).toBe(true);
    wait?.end();
  });

  it("that needs all of two is refused when one of them is stuck", async () => {
    const [a, free] = [new Flow("a"), new Flow("free")];

    expect(await scope(a, () => stage.aWait(a, allOf(free, a)).done)).toBe("UNJAM_DEADLOCK");
  });

  it("of a flow that has another wait, which may end, stays open until that one has", async () => {
    const a = new Flow("a");
    let other: OpenWait | undefined;
    const result = scope(a, async () => {
      other = stage.aWait(a, () => "unknown");
      return await Promise.all([stage.aWait(a, anyOf(a)).done, other.done]);
    });

    expect(await stage.isOpen(result)).toBe(true);
    other?.end();
    await stage.clock.advance(25_000);
    expect(await result).toBe("UNJAM_DEADLOCK");
  });

  it("that waits for others who hold each other is not the one that is refused", async () => {
    const [a, b, c] = [new Flow("a"), new Flow("b"), new Flow("c")];
    const outcomes: unknown[] = [];
    let third: OpenWait | undefined;
    const begun = [
      scope(c, () => (third = stage.aWait(c, anyOf(a), { what: "c" })).done).then((x) =>
        outcomes.push("c", x),
      ),
      scope(a, () => stage.aWait(a, anyOf(b), { what: "a" }).done).then((x) =>
        outcomes.push("a", x),
      ),
      scope(b, () => stage.aWait(b, anyOf(a), { what: "b" }).done).then((x) =>
        outcomes.push("b", x),
      ),
    ];
    await begun[2];
    await stage.clock.advance(25_000);
    third?.end();
    await begun[0];

    expect(outcomes).toEqual(["b", "UNJAM_DEADLOCK", "c", "done"]);
  });

  it("leaves no timer behind", async () => {
    let openCount = 0;
    const timers: Timers = {
      soon: (run) => stage.clock.soon(run),
      after: (ms, run) => {
        openCount++;
        const timer = stage.clock.after(ms, () => (openCount--, run()));
        return { cancel: () => (openCount--, timer.cancel()) };
      },
    };
    const flow = new Flow("a");
    const { promise, resolve } = Promise.withResolvers<string>();
    const movers = (): Movers => "unknown";
    const plain = { flow, what: "it", movers, site: undefined, settled: promise, timers };
    const result = scope(flow, () => waitInFlow({ ...plain, refuse: () => undefined }));
    await stage.clock.rest();
    const whileOpen = openCount;

    resolve("done");
    await result;

    expect([whileOpen, openCount]).toEqual([1, 0]);
  });

  it("that is not awaited by its flow stays open", async () => {
    const flow = new Flow("a");
    let wait: OpenWait | undefined;
    await scope(flow, async () => {
      wait = stage.aWait(flow, anyOf(flow));
      await stage.clock.advance(25_000);
    });

    wait?.end();
    expect(await wait?.done).toBe("done");
  });

  it("that ends before the first look is not looked at", async () => {
    const flow = new Flow("a");
    let askedCount = 0;
    const result = scope(flow, async () => {
      const wait = stage.aWait(flow, () => {
        askedCount++;
        return "unknown";
      });
      wait.end();
      return await wait.done;
    });

    expect(await result).toBe("done");
    await stage.clock.advance(25_000);
    expect(askedCount).toBe(0);
  });

  it("that goes on between the search and the refusal is not refused", async () => {
    const flow = new Flow("a");
    let askedCount = 0;
    let wait: OpenWait | undefined;
    const result = scope(flow, () => {
      wait = stage.aWait(flow, () => {
        askedCount++;
        // As if somebody who could end it had come meanwhile.
        return askedCount === 1 ? anyOf(flow)() : "unknown";
      });
      return wait.done;
    });

    expect(await stage.isOpen(result)).toBe(true);
    wait?.end();
  });

  it.each([
    ["among as many as may end each other's waits", 16, "UNJAM_DEADLOCK"],
    ["in a long ring", 502, "UNJAM_DEADLOCK"],
  ])("%s comes to what the search finds", async (_where, layersCount, outcome) => {
    // Each flow waits for the two of the next layer, so the ways double with each layer.
    const layers = Array.from({ length: layersCount }, () => [new Flow("left"), new Flow("right")]);
    const waits: OpenWait[] = [];
    const results = layers.flatMap((layer, index) =>
      layer.map((flow) =>
        scope(flow, () => {
          const wait = stage.aWait(flow, anyOf(...(layers[(index + 1) % layers.length] ?? [])));
          waits.push(wait);
          return wait.done;
        }),
      ),
    );

    await stage.clock.advance(200);
    for (const wait of waits) wait.end();

    expect(await Promise.all(results)).toContain(outcome);
    expect(new Set(await Promise.all(results))).toEqual(new Set([outcome, "done"]));
  });

  it("in a ring in which there are more holders than a search may visit stays open", async () => {
    const flows = [new Flow("a"), new Flow("b"), new Flow("c")];
    const waits: OpenWait[] = [];
    const results = flows.map((flow, index) => {
      const next = flows[(index + 1) % flows.length] ?? flow;
      const many = Array.from({ length: Math.ceil((WAIT_GRAPH_STEPS_MAX + 1) / 3) }, () => next);
      return scope(flow, () => {
        const wait = stage.aWait(flow, anyOf(...many));
        waits.push(wait);
        return wait.done;
      });
    });

    expect(await stage.isOpen(Promise.race(results))).toBe(true);
    for (const wait of waits) wait.end();
  });

  it("among more who may end it than a search may visit counts as one that will end", async () => {
    const flow = new Flow("a");
    const many = Array.from({ length: WAIT_GRAPH_STEPS_MAX + 1 }, () => flow);
    let wait: OpenWait | undefined;
    const result = scope(flow, () => (wait = stage.aWait(flow, anyOf(...many))).done);

    expect(await stage.isOpen(result)).toBe(true);
    wait?.end();
  });
});

describe("many waits", () => {
  it("that begin in one turn are looked at in several", async () => {
    const turns = countTurns();
    const looksIn = new Map<number, number>();
    const waits: OpenWait[] = [];
    const results = Array.from({ length: 5 * WAIT_LOOKS_TURN_MAX }, () => {
      const flow = new Flow("a");
      const looked = (): Movers => {
        looksIn.set(turns.count, (looksIn.get(turns.count) ?? 0) + 1);
        return "unknown";
      };
      return scope(flow, () => {
        const wait = stage.aWait(flow, looked);
        waits.push(wait);
        return wait.done;
      });
    });

    await stage.clock.rest();
    turns.stop();
    for (const wait of waits) wait.end();
    await Promise.all(results);

    expect([...looksIn.values()]).toEqual(Array.from({ length: 5 }, () => WAIT_LOOKS_TURN_MAX));
  });

  it("for the same holders are searched as one", async () => {
    const flows = Array.from({ length: WAIT_LOOKS_TURN_MAX }, (_, index) => new Flow(`${index}`));
    const holders: Movers = { need: "any", flows: [new Flow("works"), ...flows], isSure: true };
    let askedCount = 0;
    const waits: OpenWait[] = [];
    const results = flows.map((flow) =>
      scope(flow, () => {
        const wait = stage.aWait(flow, () => (askedCount++, holders));
        waits.push(wait);
        return wait.done;
      }),
    );

    await stage.clock.rest();
    for (const wait of waits) wait.end();

    expect(await Promise.all(results)).toEqual(flows.map(() => "done"));
    expect(askedCount).toBe(WAIT_LOOKS_TURN_MAX);
  });
});

/** Counts the turns of the loop, from now on. */
function countTurns(): { readonly count: number; readonly stop: () => void } {
  let isOn = true;
  const turns = { count: 0, stop: () => void (isOn = false) };
  const next = (): void => {
    turns.count++;
    if (isOn) setImmediate(next);
  };
  setImmediate(next);
  return turns;
}

describe("a flow", () => {
  it("says what it waits for", async () => {
    const flow = new Flow("a");
    let wait: OpenWait | undefined;
    const result = scope(
      flow,
      () => (wait = stage.aWait(flow, () => "unknown", { what: "room" })).done,
    );

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
        later = stage.clock.rest().then(() => currentFlow());
      });
      expect(await later).toBe(outer);
    });

    expect(outer.isOver).toBe(true);
    expect(inner.isOver).toBe(false);
    outer.end();
    expect(currentFlow()).toBeUndefined();
  });

  it("that is over holds nothing", () => {
    const flow = new Flow("a");
    flow.hold({ what: "it", site: undefined });
    const before = [...flow.holdings];

    flow.end();

    expect([before.length, [...flow.holdings]]).toEqual([1, []]);
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
        const wait = stage.aWait(flow, anyOf(next), { what: `the end of ${index}` });
        waits.push(wait);
        return wait.done;
      });
    });
    await stage.clock.advance(25_000);
    for (const wait of waits) wait.end();

    const outcomes = await Promise.all(results);

    expect(outcomes.filter((outcome) => outcome === "UNJAM_DEADLOCK")).toHaveLength(1);
    expect(outcomes.slice(0, -2).every((outcome) => outcome === "done")).toBe(true);
  });
});
