/** The mistake of broken.ts on unjam: a worker that throws forgets its order. join() names it. */
import { isUnjamError, JoinableQueue } from "unjam/sync";
import { bill, ORDERS } from "./orders.ts";

const WORKERS = 16;

const orders = new JoinableQueue<number>({ name: "orders", diagnostics: "full" });

async function work(): Promise<never> {
  for (;;) {
    const lease = await orders.get();
    await bill(lease.value);
    lease.done();
  }
}

for (let n = 0; n < WORKERS; n++) {
  work().catch((error: unknown) => console.error(`a worker died: ${String(error)}`));
}
for (const order of ORDERS) await orders.put(order);

try {
  // The garbage collector may find forgotten leases first: these have failed, and are named too.
  const { errors } = await orders.join({ waitMs: 1_000 });
  for (const { value, error } of errors) console.error(`  ${value}: ${String(error)}`);
  process.exit(1);
} catch (error) {
  if (!isUnjamError(error, "UNJAM_JOIN_TIMEOUT")) throw error;
  console.error(`${error.code}: ${error.message}`);
  for (const { task, holder, sinceMs, site } of error.details.unfinished) {
    console.error(`  ${task}: held by ${holder} for ${sinceMs} ms, taken at ${site}`);
  }
  process.exit(error.exitCode);
}
