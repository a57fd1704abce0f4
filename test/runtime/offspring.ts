import { readdirSync, readFileSync } from "node:fs";
import { isAlive } from "../e2e/process-life.ts";

/** The names of this process's runtime and job threads, and the numbers of its child processes (Linux). */
export function offspring(): string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc/self/task").flatMap((tid) => {
    const name = told(`/proc/self/task/${tid}/comm`);
    const children = told(`/proc/self/task/${tid}/children`).split(" ");
    const alive = children.filter((pid) => pid !== "" && isAlive(Number(pid)));
    return name.startsWith("unjam") ? [name, ...alive] : alive;
  });
}

/** A thread may be gone by now, and then has nothing. */
function told(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
