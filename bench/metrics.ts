/** One round's figures, by name; units are in the names. */
export type Metrics = Readonly<Record<string, number>>;

/** The numbers of a message from another process. `undefined` when it is not an object at all. */
export function readMetrics(message: unknown): Metrics | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  const isNumber = (entry: [string, unknown]): entry is [string, number] =>
    typeof entry[1] === "number";
  return Object.fromEntries(Object.entries(message).filter(isNumber));
}
