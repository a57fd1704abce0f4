import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import { ManualClock } from "./manual-clock.ts";
import { describeStore } from "./store-suite.ts";

describeStore("memory", async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock.ports);
  return { store, clock, [Symbol.asyncDispose]: () => store.close() };
});
