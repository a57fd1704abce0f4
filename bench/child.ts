import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Metrics, readMetrics } from "./metrics.ts";
import type { Probe } from "./suite.ts";

/** Ten times what the slowest probe takes on the machine the sizes were chosen on. */
const PROBE_MS_MAX = 600_000;
const STDERR_CHARS_KEPT = 4_000;
const STDERR_LINES_SHOWN = 10;

/** Runs one probe in a fresh process. Rejects with its last words when it fails or hangs. */
export function runProbe(probe: Probe): Promise<Metrics> {
  const { script, settings, execArgv = [] } = probe;
  const child = fork(
    fileURLToPath(script),
    Object.entries(settings).map(([name, value]) => `${name}=${value}`),
    {
      execArgv: [...execArgv],
      env: cleanEnvironment(),
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    },
  );
  return new Promise((resolve, reject) => {
    let metrics: Metrics | undefined;
    let lastWords = "";
    const timer = setTimeout(() => {
      lastWords += `\nkilled after ${PROBE_MS_MAX} ms`;
      child.kill("SIGKILL");
    }, PROBE_MS_MAX);
    child.stderr?.on("data", (chunk: Buffer) => {
      lastWords = (lastWords + chunk.toString()).slice(-STDERR_CHARS_KEPT);
    });
    child.on("message", (message) => {
      metrics = readMetrics(message);
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (metrics !== undefined && code === 0) resolve(metrics);
      else reject(new ProbeFailed(probe, lastWords.trim() || `exit ${code ?? signal}`));
    });
  });
}

export class ProbeFailed extends Error {
  constructor({ script, settings }: Probe, lastWords: string) {
    super(`${fileURLToPath(script)} ${JSON.stringify(settings)}\n${theirOwn(lastWords)}`);
    this.name = "ProbeFailed";
  }
}

/** Node's own frames and its version say nothing about what failed. */
function theirOwn(words: string): string {
  return words
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^\s+at .*node:|^node:internal|^Node\.js v/.test(line))
    .slice(0, STDERR_LINES_SHOWN)
    .join("\n");
}

/** Preloads and inspector flags of the caller's shell would be measured with the probe. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const environment = { ...process.env };
  delete environment["NODE_OPTIONS"];
  delete environment["NODE_V8_COVERAGE"];
  return environment;
}
