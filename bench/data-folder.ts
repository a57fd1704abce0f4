import {
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { monotonicMs } from "./measure/monotonic-ms.ts";
import { percentile } from "./statistics.ts";

/** In memory, an fsync costs nothing: every figure of a durable store would be a lie. */
const IN_MEMORY = ["tmpfs", "ramfs"];
const PAGE_BYTES = 4_096;

/** A folder of this run's own, gone when it is disposed. */
export class DataFolder implements Disposable {
  readonly path: string;
  readonly fileSystem: string;

  /** @throws Error when the folder lies in memory. */
  constructor(parent: string) {
    const folder = resolve(parent);
    mkdirSync(folder, { recursive: true });
    // Where the files are: a link may lead from a disk into memory.
    this.fileSystem = fileSystemOf(realpathSync(folder));
    if (IN_MEMORY.includes(this.fileSystem)) {
      throw new Error(
        `${folder} is on ${this.fileSystem}, where fsync costs nothing: give a folder on a disk with --data`,
      );
    }
    this.path = mkdtempSync(join(folder, "run-"));
  }

  /** Median cost of making one appended page durable, in microseconds. */
  fsyncP50Us(durationMs: number): number {
    const file = openSync(join(this.path, "fsync.dat"), "a");
    const page = Buffer.alloc(PAGE_BYTES, 7);
    const costsUs: number[] = [];
    const until = monotonicMs() + durationMs;
    for (let at = monotonicMs(); at < until;) {
      writeSync(file, page);
      fsyncSync(file);
      const after = monotonicMs();
      costsUs.push((after - at) * 1e3);
      at = after;
    }
    closeSync(file);
    return percentile(costsUs, 0.5);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** By the longest mount point above the folder; elsewhere than on Linux nobody can say so simply. */
function fileSystemOf(folder: string): string {
  if (process.platform !== "linux") return `unknown (${process.platform})`;
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .map(([, point = "", type = ""]) => ({ point: point.replaceAll(String.raw`\040`, " "), type }))
    .filter(({ point }) => point === "/" || folder === point || folder.startsWith(`${point}/`))
    .toSorted((a, b) => b.point.length - a.point.length);
  return mounts[0]?.type ?? "unknown";
}
