import { narrate } from "../narrator.ts";
import { ORDERS, type Order } from "./orders.ts";
import { PromiseQueue } from "./promise-queue.ts";

await narrate(ORDERS.length, async (narrator) => {
  const queue = new PromiseQueue({ concurrency: 1 });
  const state = (): string => `${queue.pending} running, ${queue.size} in the queue`;
  const print = async (invoice: string): Promise<void> => narrator.say(`${invoice} printed`);

  async function book({ name, invoice }: Order): Promise<void> {
    if (invoice !== null) {
      narrator.say(`${name} waits for ${invoice}`);
      await narrator.waitFor(
        invoice,
        queue.add(() => print(invoice)),
        state,
      );
    }
    narrator.done(name);
  }

  await Promise.all(ORDERS.map((order) => queue.add(() => book(order))));
  return "all orders booked";
});
