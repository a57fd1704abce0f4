import { readlinkSync } from "node:fs";

/**
 * This thread's number in the operating system; 0 where that is not known. Without it nobody can say
 * what the thread does in native code.
 */
export function ownOsThread(): number {
  if (process.platform !== "linux") return 0;
  try {
    const path = readlinkSync("/proc/thread-self");
    return Number(path.slice(path.lastIndexOf("/") + 1));
  } catch {
    return 0;
  }
}
