/** A batch of 500 orders, 16 at a time. Some are bad; the rest is billed, and the end is known. */
import { JoinableQueue } from "unjam/sync";
import { bill, ORDERS } from "./orders.ts";

const orders = new JoinableQueue<number>({ name: "orders", capacity: 100 });
orders.consume(bill, { concurrency: 16 });

for (const order of ORDERS) await orders.put(order);
const { done, failed, errors } = await orders.join({ waitMs: 10_000 });
orders.close();

console.log(`${done} orders billed, ${failed} failed; the first of them:`);
for (const { value, error } of errors) console.log(`  ${value}: ${String(error)}`);
