import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** `--tasks ./tasks.ts`: a path from the working folder, or a file: URL. */
export function taskModule(text: string): URL {
  return text.startsWith("file:") && URL.canParse(text)
    ? new URL(text)
    : pathToFileURL(resolve(text));
}

/** The first of the usual names that is there, for the next command on a screen. */
export function usualTaskModule(): string {
  const usual = ["./tasks.ts", "./tasks.js", "./src/tasks.ts", "./dist/tasks.js"];
  return usual.find((path) => existsSync(path)) ?? "./tasks.ts";
}
