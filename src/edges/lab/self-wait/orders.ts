/** What is booked in both programs. The second has an invoice, which is a job of its own. */
export const ORDERS: readonly Order[] = [
  { name: "order 1", invoice: null },
  { name: "order 2", invoice: "invoice 2" },
  { name: "order 3", invoice: null },
];

export interface Order {
  readonly name: string;
  readonly invoice: string | null;
}
