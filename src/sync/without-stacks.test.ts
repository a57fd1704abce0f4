/** What is left in runtimes without V8's stacks. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ManualClock } from "../testing/manual-clock.ts";
import type * as CallSiteModule from "./call-site.ts";
import type * as QueueModule from "./joinable-queue.ts";
import type { SyncPorts } from "./sync-ports.ts";

let clock: ManualClock;
let ports: SyncPorts;

beforeEach(() => {
  clock = new ManualClock();
  ports = { clock, timers: clock, random: () => 0.5 };
});

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0)) step();
});

/** Takes something away from an object of the runtime, until the test is over. */
function without(object: object, name: string): () => void {
  const before = Reflect.getOwnPropertyDescriptor(object, name);
  Reflect.deleteProperty(object, name);
  return () => void (before && Reflect.defineProperty(object, name, before));
}

/** What a promise comes to, when all its looks and its deadline have passed. */
async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  const code = promise.then(
    () => "done",
    (error: unknown) => Reflect.get(Object(error), "code") as unknown,
  );
  await clock.advance(31_000);
  return await code;
}

describe("a runtime without stacks", () => {
  let modules: { readonly queue: typeof QueueModule; readonly callSite: typeof CallSiteModule };

  beforeAll(async () => {
    vi.resetModules();
    const restore = without(Error, "captureStackTrace");
    modules = {
      queue: await import("./joinable-queue.ts"),
      callSite: await import("./call-site.ts"),
    };
    restore();
  });

  afterAll(() => {
    vi.resetModules();
  });

  it("tells a consumer that waits for itself so at the deadline", async () => {
    undo.push(without(Error, "captureStackTrace"));
    const queue = new modules.queue.JoinableQueue<number>({ name: "q", ports });
    queue.consume(async (n) => (n === 0 ? 0 : await queue.ask(n - 1)));

    expect(await codeOf(queue.ask(1))).toBe("UNJAM_WAIT_TIMEOUT");
  });

  it("that had none to know this package by, as in a bundle, names the caller all the same", () => {
    function ours(): CallSiteModule.CallSite {
      return modules.callSite.CallSite.capture(ours);
    }
    function theirs(): CallSiteModule.CallSite {
      return ours();
    }

    expect(String(theirs())).toMatch(/^without-stacks\.test\.ts:\d+ in theirs$/);
  });
});
