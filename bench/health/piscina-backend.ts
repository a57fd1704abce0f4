import { Piscina } from "piscina";
import type { OpenBackend } from "./backend.ts";

/** A pool without a store: accepted is what sits in its array. */
export const openBackend: OpenBackend = async ({ links, threads, onDone, onFailed }) => {
  const pool = new Piscina<number, number>({
    filename: new URL("piscina-burn.ts", import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
  });
  await Promise.all(Array.from({ length: threads }, () => pool.run(1)));
  return {
    accept: async (): Promise<void> => {
      pool.run(links).then(onDone).catch(onFailed);
    },
  };
};
