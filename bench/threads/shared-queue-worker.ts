import { parentPort, workerData } from "node:worker_threads";
import { SharedQueue } from "unjam/threads";
import { BareRing } from "./bare-ring.ts";
import { increment } from "./work.ts";

parentPort?.postMessage("up");
if (workerData.contender === "queue") {
  const there = SharedQueue.from<{ a: number }>(workerData.there);
  const back = SharedQueue.from<{ b: number }>(workerData.back);
  for (;;) {
    const lease = there.getSync({ waitMs: Infinity });
    back.putSync(increment(lease.value), { waitMs: Infinity });
    lease.done();
  }
} else {
  const [there, back] = [new BareRing(workerData.there), new BareRing(workerData.back)];
  for (;;) {
    there.sleep();
    there.drain((id, text) => back.push(id, JSON.stringify(increment(JSON.parse(text)))));
    back.publish();
  }
}
