import { JoinableQueue } from "../../../sync/index.ts";
import { narrate } from "../narrator.ts";
import { ORDERS, type Order } from "./orders.ts";

await narrate(ORDERS.length, async (narrator) => {
  const queue = new JoinableQueue<Order>({ name: "orders" });

  async function book({ name, invoice }: Order): Promise<void> {
    if (invoice !== null) {
      narrator.say(`${name} waits for ${invoice}`);
      // Refused at this deadline and not at once: until then another consumer might come to help.
      const asked = queue.ask({ name: invoice, invoice: null }, { waitMs: 500 });
      await narrator.waitFor(invoice, asked);
    }
    narrator.done(name);
  }

  queue.consume(book, { onError: (_, { name }) => narrator.failed(`${name} was refused`) });
  for (const order of ORDERS) await queue.put(order);
  const { errors } = await queue.join();
  // What stopped the second order is what the program has to say; the others are booked.
  for (const { error } of errors) throw error;
  return "all orders booked";
});
