/** 1,024 callers on the main loop, each with one message on the way to a thread and back. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { SharedQueue } from "unjam/threads";
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { countSetting, report, setting, verify } from "../measure/probe.ts";
import { BareRing, newRing } from "./bare-ring.ts";

const ON_THE_WAY = 1_024;
const items = countSetting("items");
const contender = setting("contender");
const entry = new URL("shared-queue-worker.ts", import.meta.url);
const run = contender === "queue" ? overQueues : overRings;

await run(Math.min(items, 50_000));
const beganAt = monotonicMs();
const backCount = await run(items);
const elapsedMs = monotonicMs() - beganAt;
verify(backCount === items, `${backCount} of ${items} came back`);
report({ opsPerS: (items / elapsedMs) * 1e3 });

async function overQueues(count: number): Promise<number> {
  const there = new SharedQueue<{ a: number }>({ capacity: ON_THE_WAY, name: "there" });
  const back = new SharedQueue<{ b: number }>({ capacity: ON_THE_WAY, name: "back" });
  const workerData = { contender, there: there.handle, back: back.handle };
  const worker = new Worker(entry, { workerData });
  await once(worker, "message");
  const put = async (): Promise<void> => {
    for (let n = 0; n < count; n++) await there.put({ a: 1 });
  };
  const [answered] = await Promise.all([takeAnswers(back, count), put()]);
  await worker.terminate();
  return answered;
}

async function takeAnswers(back: SharedQueue<{ b: number }>, count: number): Promise<number> {
  let answered = 0;
  while (answered < count) {
    const lease = await back.get();
    answered += lease.value.b === 2 ? 1 : 0;
    lease.done();
  }
  return answered;
}

async function overRings(count: number): Promise<number> {
  const [there, back] = [newRing(), newRing()];
  const worker = new Worker(entry, { workerData: { contender, there, back } });
  await once(worker, "message");
  const [out, answers] = [new BareRing(there), new BareRing(back)];
  const state = { sent: 0, answered: 0 };
  while (state.answered < count) {
    for (; state.sent < count && state.sent - state.answered < ON_THE_WAY; state.sent++) {
      out.push(state.sent, JSON.stringify({ a: 1 }));
    }
    out.publish();
    await answers.filled();
    answers.drain((_id, text) => (state.answered += JSON.parse(text).b === 2 ? 1 : 0));
  }
  await worker.terminate();
  return state.answered;
}
