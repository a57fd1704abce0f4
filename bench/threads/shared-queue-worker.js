import { parentPort, workerData } from "node:worker_threads";
import { SharedQueue } from "unjam/threads";
import { BareRing } from "./bare-ring.js";

parentPort.postMessage("up");
if (workerData.contender === "queue") {
  const there = SharedQueue.from(workerData.there);
  const back = SharedQueue.from(workerData.back);
  for (;;) {
    const lease = there.getSync({ waitMs: Infinity });
    back.putSync({ b: lease.value.a + 1 }, { waitMs: Infinity });
    lease.done();
  }
} else {
  const [there, back] = [new BareRing(workerData.there), new BareRing(workerData.back)];
  for (;;) {
    there.sleepForMore();
    there.drain((text) => back.push(JSON.stringify({ b: JSON.parse(text).a + 1 })));
    back.publish();
  }
}
