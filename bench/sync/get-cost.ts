/** What the call sites of `get` cost: an item is put, taken and settled, one after the other. */
import { JoinableQueue } from "unjam/sync";
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { countSetting, report, setting } from "../measure/probe.ts";

const items = countSetting("items");
const diagnostics = setting("diagnostics");
if (diagnostics !== "off" && diagnostics !== "sampled" && diagnostics !== "full") {
  throw new Error(`no diagnostics "${diagnostics}"`);
}
const queue = new JoinableQueue<number>({ diagnostics });

await pass(items / 10);
const beganAt = monotonicMs();
await pass(items);
report({ opsPerS: (items / (monotonicMs() - beganAt)) * 1e3 });

async function pass(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await queue.put(index);
    const lease = await queue.get();
    lease.done();
  }
}
