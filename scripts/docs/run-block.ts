import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { outsideEnvironment } from "../packed-project.ts";
import type { CodeBlock } from "./code-blocks.ts";

export interface BlockRun {
  /** How it failed, with its output; `null` when it ended with exit code 0. */
  readonly failure: string | null;
  readonly tookMs: number;
}

export interface RunSettings {
  /** A folder of a project in which `unjam` is installed. */
  readonly folder: string;
  /** The Node to run with. */
  readonly node: string;
  readonly limitMs: number;
}

/** Writes a block to its file, so that later blocks can import it. */
export function writeBlock({ folder }: Pick<RunSettings, "folder">, block: CodeBlock): string {
  const file = join(folder, block.file);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, block.text);
  return file;
}

/** Runs a block in its folder, as a reader would who copied it there. */
export async function runBlock(settings: RunSettings, block: CodeBlock): Promise<BlockRun> {
  const file = writeBlock(settings, block);
  const startedAt = performance.now();
  const [command, argv] =
    block.kind === "shell"
      ? ["bash", ["-euo", "pipefail", file]]
      : [settings.node, ["--disable-warning=ExperimentalWarning", file]];
  const child = spawn(command, argv, {
    cwd: settings.folder,
    env: environmentFor(settings),
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that a server which the block has started can be ended with it.
    detached: true,
  });

  const { promise, resolve } = Promise.withResolvers<string | null>();
  let output = "";
  const keep = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const timer = setTimeout(() => {
    resolve(`was not over after ${settings.limitMs} ms`);
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  }, settings.limitMs);
  child.once("error", (error) => resolve(error.message));
  child.once("close", (code, signal) => {
    resolve(code === 0 ? null : `ended with ${signal ?? `exit code ${code}`}`);
  });

  const failure = await promise;
  clearTimeout(timer);
  return {
    failure: failure === null ? null : `${failure}\n${output}`,
    tookMs: Math.round(performance.now() - startedAt),
  };
}

function environmentFor({ folder, node }: RunSettings): NodeJS.ProcessEnv {
  const environment = outsideEnvironment();
  const path = [dirname(node), join(folder, "../node_modules/.bin"), environment["PATH"] ?? ""];
  return { ...environment, PATH: path.join(delimiter), NO_COLOR: "1" };
}
