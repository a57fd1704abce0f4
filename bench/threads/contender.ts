/** A pool of threads under test: the same two functions, a promise for each call. */
export interface Contender {
  readonly increment: (input: { readonly a: number }) => Promise<unknown>;
  readonly echo: (value: unknown) => Promise<unknown>;
}

/** Loads the one that is asked for, so that the others cost nothing. */
export async function loadContender(name: string, threads: number): Promise<Contender> {
  const load = CONTENDERS.get(name);
  if (load === undefined) throw new Error(`no contender "${name}"`);
  return load(threads);
}

type Load = (threads: number) => Promise<Contender>;

const CONTENDERS: ReadonlyMap<string, Load> = new Map<string, Load>([
  ["unjam", async (threads) => (await import("./unjam-pool.ts")).unjamPool(threads)],
  ["piscina", async (threads) => (await import("./piscina-pool.ts")).piscinaPool(threads)],
  [
    "piscina-tuned",
    async (threads) => (await import("./piscina-pool.ts")).tunedPiscinaPool(threads),
  ],
  ["tinypool", async (threads) => (await import("./tinypool-pool.ts")).tinyPool(threads)],
  ["workerpool", async (threads) => (await import("./workerpool-pool.ts")).workerPool(threads)],
  ["poolifier", async (threads) => (await import("./poolifier-pool.ts")).poolifierPool(threads)],
  ["ring", async (threads) => (await import("./ring-pool.ts")).ringPool(threads)],
  ["post", async (threads) => (await import("./post-pool.ts")).postPool(threads)],
]);
