import { ThreadWorker } from "poolifier";
import { echo, increment } from "./work.ts";

export const worker = new ThreadWorker<{ readonly a: number }>({
  increment: (input) => increment(input ?? { a: 0 }),
  echo: (value) => echo(value),
});
