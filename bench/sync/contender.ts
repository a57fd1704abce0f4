/** One in-process queue under test: sixteen no-op handlers, and a call whose promise is the result. */
export interface Contender {
  readonly ask: (value: number) => Promise<unknown>;
  /** Nothing is begun until `resume`. */
  readonly pause: () => void;
  readonly resume: () => void;
}

/** What the fastest handler there is does. */
export async function noop(_value: number): Promise<void> {}

export const CONCURRENCY = 16;
/** Room for all items of a case: what a full queue does is not measured here. */
export const CAPACITY = 2_000_000;

/** Loads the one that is asked for, so that the others cost nothing. */
export async function loadContender(name: string): Promise<Contender> {
  const load = CONTENDERS.get(name);
  if (load === undefined) throw new Error(`no contender "${name}"`);
  return load();
}

const CONTENDERS: ReadonlyMap<string, () => Promise<Contender>> = new Map([
  ["unjam", async () => (await import("./unjam-queue.ts")).unjamQueue()],
  ["fastq", async () => (await import("./fastq-queue.ts")).fastqQueue()],
  ["p-queue", async () => (await import("./p-queue-queue.ts")).pQueueQueue()],
  ["async", async () => (await import("./async-queue.ts")).asyncQueue()],
  ["ring", async () => (await import("./ring-queue.ts")).ringQueue()],
]);
