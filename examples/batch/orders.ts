export const ORDERS: readonly number[] = Array.from({ length: 500 }, (_, n) => n);

/** Bills an order; every fiftieth has no address. */
export async function bill(order: number): Promise<void> {
  await new Promise(setImmediate);
  if (order % 50 === 49) throw new Error(`order ${order} has no address`);
}
