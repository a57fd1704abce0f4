/** The same with a pool of workers that counts what is done. What fails is never counted. */
import { bill, ORDERS } from "./orders.ts";

const WAIT_MS = 1_000;
const WORKERS = 16;

const waiting = [...ORDERS];
let doneCount = 0;
const { promise: finished, resolve: finish } = Promise.withResolvers<void>();

async function work(): Promise<void> {
  for (let order = waiting.shift(); order !== undefined; order = waiting.shift()) {
    await bill(order);
    doneCount++;
    if (doneCount === ORDERS.length) finish();
  }
}

for (let n = 0; n < WORKERS; n++) {
  work().catch((error: unknown) => console.error(`a worker died: ${String(error)}`));
}

setTimeout(() => {
  console.error(`still waiting for the batch after ${WAIT_MS} ms: ${doneCount} done`);
  process.exit(1);
}, WAIT_MS);
await finished;
console.log(`${doneCount} orders billed`);
process.exit();
