import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { Command, NestedCommand, Policy, Shape } from "./interleaved-command.ts";
import { InterleavedRun } from "./interleaved-run.ts";

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
  "retry",
);

interface Weighted<C extends Command> {
  readonly weight: number;
  readonly arbitrary: fc.Arbitrary<C>;
}

function a<C extends Command>(
  weight: number,
  fields: { [K in keyof C]: fc.Arbitrary<C[K]> },
): Weighted<C> {
  return { weight, arbitrary: fc.record(fields) };
}

function named<const D extends Command["do"]>(...names: readonly D[]): fc.Arbitrary<D> {
  return fc.constantFrom(...names);
}

/** What callers and handlers do. */
const CALLS: readonly Weighted<NestedCommand>[] = [
  a(6, { do: named("put"), whenFull, timed }),
  a(3, { do: named("ask"), whenFull, timed }),
  a(5, { do: named("tryPut", "tryGet") }),
  a(3, { do: named("get", "join"), timed }),
  a(5, { do: named("done", "fail", "putBack"), which }),
  a(3, { do: named("abort"), which }),
  a(2, { do: named("pause", "resume") }),
  a(1, { do: named("stop"), which }),
  a(1, { do: named("close"), drop: fc.boolean() }),
];
const advance = a<Command>(2, { do: named("advance"), ms: fc.constantFrom(1, 5, 20) });
const nothing = fc.constant<readonly NestedCommand[]>([]);
const nested = fc.array(fc.oneof(...CALLS), { maxLength: 2 });

function consumes(
  restartsMax: fc.Arbitrary<number | null>,
  inHandlers: fc.Arbitrary<readonly NestedCommand[]>,
): Weighted<Command> {
  const concurrency = fc.integer({ min: 1, max: 3 });
  return a<Command>(2, { do: named("consume"), concurrency, restartsMax, nested: inHandlers });
}
const loops = a<Command>(3, { do: named("loop"), count: fc.integer({ min: 1, max: 3 }), timed });
const mortal = fc.constantFrom(0, 0, 1);

/** Each has a share of the interleavings. */
const VARIANTS: readonly (readonly [about: string, ends: readonly Weighted<Command>[]])[] = [
  ["consumers that live", [consumes(fc.constant(null), nothing)]],
  ["consumers that die, and new ones", [consumes(mortal, nothing)]],
  ["for await loops", [loops]],
  ["handlers that call the queue", [consumes(fc.constant(null), nested)]],
  ["all of it", [loops, consumes(fc.option(mortal), nested)]],
];

function actors(ends: readonly Weighted<Command>[]): fc.Arbitrary<Command[][][]> {
  const burst = fc.array(fc.oneof(...CALLS, advance, ...ends), { minLength: 1, maxLength: 4 });
  const actor = fc.array(burst, { minLength: 1, maxLength: 4 });
  return fc.array(actor, { minLength: 1, maxLength: 3 });
}
const shape: fc.Arbitrary<Shape> = fc.record({
  capacity: fc.integer({ min: 1, max: 3 }),
  order: fc.constantFrom("fifo", "fifo", "lifo", "by"),
  waitMs: fc.constantFrom(1, 5, 20),
});

it.each(VARIANTS)(
  "does in every interleaving what its model does, no item is lost or there twice, and every wait ends: %s",
  { timeout: 240_000 },
  async (_about, ends) => {
    const numRuns = INTERLEAVINGS / VARIANTS.length;
    let count = 0;
    const property = fc.asyncProperty(
      fc.scheduler(),
      shape,
      actors(ends),
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
    await fc.assert(property, { numRuns });

    expect(count).toBeGreaterThanOrEqual(numRuns);
  },
);
