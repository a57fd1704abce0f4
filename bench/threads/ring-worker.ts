import { workerData } from "node:worker_threads";
import { BareRing } from "./bare-ring.ts";
import { increment } from "./work.ts";

const calls = new BareRing(workerData.calls);
const answers = new BareRing(workerData.answers);
const BATCH = 64;
let unpublished = 0;

for (;;) {
  calls.drain((id, text) => {
    answers.push(id, JSON.stringify(increment(JSON.parse(text))));
    if (++unpublished < BATCH) return;
    unpublished = 0;
    answers.publish();
  });
  unpublished = 0;
  answers.publish();
  calls.sleep();
}
