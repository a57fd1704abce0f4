/**
 * Starts a server of its own, gives it more CPU work than one core can do, and asks for its health
 * from this process: on time, whether or not the last answer came (an open loop).
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { countSetting, report, setting, verify } from "../measure/probe.ts";
import { readMetrics } from "../metrics.ts";
import { percentile } from "../statistics.ts";

const WARM_UP_PROBES = 50;
const durationMs = countSetting("durationMs");
const probeEveryMs = countSetting("probeEveryMs");
const workEveryMs = 1_000 / countSetting("worksPerS");

const server = fork(
  fileURLToPath(new URL("server.ts", import.meta.url)),
  ["backend", "links", "threads", "folder"].map((name) => `${name}=${setting(name)}`),
  { execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] },
);
server.on("exit", (code) => {
  if (code !== null && code !== 0) throw new Error(`the server ended with ${code}`);
});
const [message] = await once(server, "message");
const { port = 0 } = readMetrics(message) ?? {};
const agent = new Agent({ keepAlive: true });

for (let probe = 0; probe < WARM_UP_PROBES; probe++) await ask("GET", "/healthz");
const probes: Promise<number>[] = [];
const works: Promise<number>[] = [];
const startedAt = monotonicMs();
for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs = monotonicMs() - startedAt) {
  while (works.length * workEveryMs <= elapsedMs) works.push(timed("POST", "/work"));
  while (probes.length * probeEveryMs <= elapsedMs) probes.push(timed("GET", "/healthz"));
  await sleep(1);
}
const until = startedAt + durationMs;
const waitsMs = await Promise.all(probes);
await Promise.all(works);
const figures = readMetrics(JSON.parse(await ask("GET", `/figures?until=${until}`))) ?? {};
server.kill("SIGKILL");

verify(figures["failedCount"] === 0, `${figures["failedCount"]} jobs failed`);
report({
  ...figures,
  p50Ms: percentile(waitsMs, 0.5),
  p99Ms: percentile(waitsMs, 0.99),
  maxMs: Math.max(...waitsMs),
  overSlowPercent: (waitsMs.filter((ms) => ms > 50).length / waitsMs.length) * 100,
  sampleCount: waitsMs.length,
  workCount: works.length,
});

async function timed(method: string, path: string): Promise<number> {
  const sentAt = monotonicMs();
  await ask(method, path);
  return monotonicMs() - sentAt;
}

function ask(method: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: "127.0.0.1", path, method, agent }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => {
        if ((response.statusCode ?? 500) < 300) resolve(body);
        else reject(new Error(`${method} ${path}: ${response.statusCode} ${body}`));
      });
    });
    asked.on("error", reject);
    asked.end();
  });
}
