import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { type Command, InterleavedRun, type Policy, type Shape } from "./interleaved-run.ts";

const INTERLEAVINGS = 50_000;

/** Seeds that failed once, as fast-check prints them. They run first. */
const seeds = JSON.parse(
  readFileSync(new URL("./seeds.json", import.meta.url), "utf8"),
) as readonly { readonly seed: number; readonly path: string }[];

const which = fc.nat({ max: 7 });
const timed = fc.boolean();
const whenFull = fc.constantFrom<Policy>(
  "wait",
  "wait",
  "wait",
  "reject",
  "drop-newest",
  "drop-oldest",
);

function a<C extends Command>(
  weight: number,
  fields: { [K in keyof C]: fc.Arbitrary<C[K]> },
): { readonly weight: number; readonly arbitrary: fc.Arbitrary<Command> } {
  return { weight, arbitrary: fc.record(fields) as fc.Arbitrary<Command> };
}

function named<const D extends Command["do"]>(...names: readonly D[]): fc.Arbitrary<D> {
  return fc.constantFrom(...names);
}

const command: fc.Arbitrary<Command> = fc.oneof(
  a(6, { do: named("put"), whenFull, timed }),
  a(3, {
    do: named("ask"),
    whenFull: fc.constantFrom<Policy>("wait", "reject", "drop-newest", "drop-oldest"),
    timed,
  }),
  a(5, { do: named("tryPut", "tryGet") }),
  a(3, { do: named("get", "join"), timed }),
  a(5, { do: named("done", "fail", "putBack"), which }),
  a(3, { do: named("abort"), which }),
  a(2, { do: named("pause", "resume") }),
  a(2, { do: named("consume"), concurrency: fc.integer({ min: 1, max: 3 }) }),
  a(1, { do: named("stop"), which }),
  a(2, { do: named("advance"), ms: fc.constantFrom(1, 5, 20) }),
  { weight: 1, arbitrary: fc.record({ do: named("close"), drop: fc.boolean() }) },
);

const burst = fc.array(command, { minLength: 1, maxLength: 4 });
const actors = fc.array(fc.array(burst, { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 3,
});
const shape: fc.Arbitrary<Shape> = fc.record({
  capacity: fc.integer({ min: 1, max: 3 }),
  order: fc.constantFrom("fifo", "fifo", "lifo", "by"),
  waitMs: fc.constantFrom(1, 5, 20),
});

it(
  "does in every interleaving what its model does: no item is lost or there twice, and every wait ends",
  { timeout: 240_000 },
  async () => {
    let count = 0;
    const property = fc.asyncProperty(
      fc.scheduler(),
      shape,
      actors,
      async (scheduler, ...given) => {
        const [about, plans] = given;
        const run = new InterleavedRun(scheduler, about);
        const failures: unknown[] = [];
        for (const plan of plans) {
          scheduler.scheduleSequence(
            plan.map((commands, index) => ({
              label: `burst ${index}`,
              builder: () =>
                run.burst(commands).catch((error: unknown) => void failures.push(error)),
            })),
          );
        }
        await scheduler.waitIdle();
        if (failures.length === 0) await run.end();
        count++;
        if (failures.length > 0) throw failures[0];
      },
    );

    for (const { seed, path } of seeds) await fc.assert(property, { seed, path });
    // On failure the message has the seed and the path for seeds.json.
    await fc.assert(property, { numRuns: INTERLEAVINGS });

    expect(count).toBeGreaterThanOrEqual(INTERLEAVINGS);
  },
);
