import { existsSync, writeFileSync } from "node:fs";

/** Ends this thread, the first time only: the mark says that it has happened. */
export function crashOnce(mark: string): void {
  if (existsSync(mark)) return;
  writeFileSync(mark, "");
  process.exit(1);
}
