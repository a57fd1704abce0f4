import { parentPort } from "node:worker_threads";
import { echo, increment } from "./work.ts";

interface Call {
  readonly id: number;
  readonly isEcho: boolean;
  readonly value: { readonly a: number };
}

parentPort?.on("message", ({ id, isEcho, value }: Call) => {
  const answer = isEcho ? echo(value) : increment(value);
  parentPort?.postMessage({ id, value: answer });
});
