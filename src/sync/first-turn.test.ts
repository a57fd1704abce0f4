/** Modules as Node itself evaluates them: what they start in their first turn is called by nobody. */
import { afterEach, describe, expect, it } from "vitest";
import { Mutex } from "./mutex.ts";

const WORLD = "worldOfFirstTurn";
afterEach(() => void Reflect.deleteProperty(globalThis, WORLD));

/** A module that Node's own loader evaluates. */
function aModule(code: string): string {
  const world = `const { L1, L2, take, pause, told } = globalThis.${WORLD};`;
  return `data:text/javascript,${encodeURIComponent(`${world}\n${code}`)}`;
}

/** Lets the loader evaluate the code, and answers with what it told. */
async function evaluate(code: string, imports: readonly string[] = []): Promise<unknown[]> {
  const [L1, L2] = [new Mutex({ name: "L1" }), new Mutex({ name: "L2" })];
  const told: unknown[] = [];
  const pause = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  async function take(first: Mutex, second: Mutex): Promise<string> {
    const outer = await first.lock();
    try {
      await pause();
      const inner = await second.lock();
      inner.release();
      return "taken";
    } finally {
      outer.release();
    }
  }
  Reflect.set(globalThis, WORLD, { L1, L2, take, pause, told });
  const urls = imports.map((each) => `import ${JSON.stringify(aModule(each))};`);
  await import(/* @vite-ignore */ aModule(`${urls.join("\n")}\n${code}`));
  return told;
}

describe("the first turn of a module", () => {
  it("is no caller that goes on: a deadlock of what it awaits is found", async () => {
    const told = await evaluate(`
      const ends = await Promise.allSettled([take(L1, L2), take(L2, L1)]);
      for (const { value, reason } of ends) told.push(value ?? reason.code);
    `);

    expect(new Set(told)).toEqual(new Set(["UNJAM_DEADLOCK", "taken"]));
  });

  it("finds the deadlock of a lock that the module itself holds", async () => {
    const told = await evaluate(`
      const guard = await L1.lock();
      try { await L1.lock(); } catch (error) { told.push(error.code); }
      guard.release();
    `);

    expect(told).toEqual(["UNJAM_DEADLOCK"]);
  });

  it("is told from that of another module, whose body runs in the same turn", async () => {
    const told = await evaluate(`told.push("both are evaluated")`, [
      `told.push(await take(L1, L2));`,
      `told.push(await take(L1, L2)); told.push(await take(L2, L1));`,
    ]);

    expect(told).toEqual(["taken", "taken", "taken", "both are evaluated"]);
  });

  it("is told from what it starts and does not await", async () => {
    const told = await evaluate(`
      const guard = await L1.lock();
      const other = take(L1, L2).then((value) => told.push(value));
      await pause();
      guard.release();
      await other;
    `);

    expect(told).toEqual(["taken"]);
  });
});
