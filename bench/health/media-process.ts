/** A media server as a process of its own, which can be killed and started again on its port. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface MediaProcess {
  readonly url: string;
  readonly kill: () => Promise<void>;
}

/** Resolves when it listens; its last words are this process's. */
export async function startMediaProcess(
  script: string,
  env: NodeJS.ProcessEnv,
): Promise<MediaProcess> {
  const child = spawn(process.execPath, [script], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.once("exit", () => child.kill("SIGKILL"));
  const url = await listening(child);
  return {
    url,
    kill: async () => {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function listening(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("the server has no output");
  // Read to its end, so that the server never waits for a reader.
  const lines = createInterface(child.stdout);
  return new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      const found = /listening on (http:\S+)/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    lines.on("close", () => reject(new Error("the server ended before it listened")));
  });
}
