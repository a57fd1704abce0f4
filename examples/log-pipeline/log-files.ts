import { createReadStream } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";

export const LINES_PER_FILE = 2_000;

/** A line of a log, as the search server indexes it. */
export interface Document {
  readonly id: string;
  readonly level: string;
  readonly message: string;
}

export interface LogFolder extends AsyncDisposable {
  readonly files: readonly string[];
}

/** Two log files on the disk. In the second a few lines were overwritten by zeros. */
export async function writeLogs(): Promise<LogFolder> {
  const folder = await mkdtemp(join(tmpdir(), "log-pipeline-"));
  const files = ["api.log", "worker.log"].map((name) => join(folder, name));
  for (const [index, file] of files.entries()) {
    const lines = Array.from({ length: LINES_PER_FILE }, (_, n) => {
      const level = index === 1 && n % 500 === 250 ? "\0\0\0" : n % 20 === 0 ? "ERROR" : "INFO";
      return `${level} request ${n} took ${n % 97} ms`;
    });
    await writeFile(file, `${lines.join("\n")}\n`);
  }
  return { files, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

/** Reads a file line by line, as fast as somebody takes them. */
export async function* readLog(file: string): AsyncGenerator<Document> {
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const [level = "", ...words] = line.split(" ");
    yield { id: `${basename(file)}:${++number}`, level, message: words.join(" ") };
  }
}
