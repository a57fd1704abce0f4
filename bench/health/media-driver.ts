/**
 * The media API under its load: starts a server as `npm start` does, has another process upload
 * photographs at a fixed rate, and asks for the health from this one, on time, whether or not the
 * last answer came. With `killAfter` the server is killed with -9 once so many uploads were accepted,
 * and started again; samples count only where a server listens that is not killed under them.
 */
import { fork } from "node:child_process";
import { Agent, get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { countSetting, report, setting, verify } from "../measure/probe.ts";
import { percentile } from "../statistics.ts";
import { startMediaProcess } from "./media-process.ts";

const HEALTHY = '200 {"status":"healthy"}';
const SETTLED = /"state":"(?:done|dead|cancelled|expired|dropped)"/;
const uploadCount = countSetting("uploadCount");
const killAfter = countSetting("killAfter");
const probeEveryMs = countSetting("probeEveryMs");

interface Sample {
  readonly ms: number;
  readonly answer: string;
}

const env = {
  DATA_DIR: setting("folder"),
  THREADS: setting("threads"),
};
const script = setting("server");
let server = await startMediaProcess(script, { ...env, PORT: "0" });
const { url } = server;
const agent = new Agent({ keepAlive: true });
const load = startLoad();
const life = { number: 0, isListening: true };
const samples: Promise<Sample | undefined>[] = [];
let downMs = 0;

// The start of the uploading process is a burst of CPU, and no business of the server's.
await load.accepted(1);
const restarted = killAfter === 0 ? Promise.resolve() : load.accepted(killAfter).then(restart);
await sampleUntil(Promise.all([load.ended, restarted]));
const answers = (await Promise.all(samples)).flatMap((sample) => sample ?? []);
const states: string[] = [];
for (const id of load.ids) states.push(await settledState(id));
await server.kill();

const odd = answers.find(({ answer }) => answer !== HEALTHY);
verify(odd === undefined, `a health check was answered by ${odd?.answer}`);
verify(load.ids.length === uploadCount, `${load.ids.length} of ${uploadCount} uploads accepted`);
const times = answers.map(({ ms }) => ms);
report({
  p50Ms: percentile(times, 0.5),
  p99Ms: percentile(times, 0.99),
  maxMs: Math.max(...times),
  overSlowPercent: (times.filter((ms) => ms > 50).length / times.length) * 100,
  sampleCount: times.length,
  doneCount: states.filter((state) => state.includes('"state":"done"')).length,
  lostCount: states.filter((state) => !state.includes('"state":"done"')).length,
  uploadCount,
  downMs,
});

/** Asks on time until `over`; what is due while no server listens is not asked. */
async function sampleUntil(over: Promise<unknown>): Promise<void> {
  const progress = { isOver: false };
  const ended = over.finally(() => {
    progress.isOver = true;
  });
  const startedAt = monotonicMs();
  for (let due = 0; !progress.isOver; await sleep(1)) {
    for (; due * probeEveryMs <= monotonicMs() - startedAt; due++) {
      if (life.isListening) samples.push(sampleHealth());
    }
  }
  await ended;
}

/** `undefined` when the server was killed before it answered. */
async function sampleHealth(): Promise<Sample | undefined> {
  const askedIn = life.number;
  const sentAt = monotonicMs();
  const answer = await ask("/api/v1/health").catch(String);
  return life.number === askedIn ? { ms: monotonicMs() - sentAt, answer } : undefined;
}

async function restart(): Promise<void> {
  const killedAt = monotonicMs();
  life.isListening = false;
  life.number++;
  await server.kill();
  server = await startMediaProcess(script, { ...env, PORT: new URL(url).port });
  life.isListening = true;
  downMs = monotonicMs() - killedAt;
}

interface Load {
  readonly ids: readonly string[];
  /** Resolves when so many uploads were accepted. */
  readonly accepted: (count: number) => Promise<void>;
  readonly ended: Promise<void>;
}

/** Uploads again until accepted, as a client does whose server may restart. */
function startLoad(): Load {
  const argv = [
    `${url}/api/v1/media/process`,
    setting("photograph"),
    setting("width"),
    setting("uploadCount"),
    setting("uploadsPerS"),
  ];
  const uploader = new URL("../../test/e2e/fixtures/upload-load.ts", import.meta.url);
  const child = fork(fileURLToPath(uploader), argv, { execArgv: [] });
  const ids: string[] = [];
  const waiting = new Map<number, () => void>();
  child.on("message", (message: { readonly accepted?: string }) => {
    if (message.accepted === undefined) return;
    ids.push(message.accepted);
    waiting.get(ids.length)?.();
  });
  return {
    ids,
    accepted: (count) => new Promise((resolve) => waiting.set(count, resolve)),
    ended: new Promise((resolve, reject) => {
      child.on("exit", (code) => {
        if (code === 0) resolve();
        else reject(new Error(`the uploads ended with ${code}`));
      });
    }),
  };
}

/** The job as the server tells it once it is settled, or that it knows of none. */
async function settledState(id: string): Promise<string> {
  for (;;) {
    const answer = await ask(`/api/v1/jobs/${id}`);
    if (!answer.startsWith("200") || SETTLED.test(answer)) return answer;
    await sleep(20);
  }
}

function ask(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = get(`${url}${path}`, { agent }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve(`${response.statusCode} ${body}`));
      response.on("error", reject);
    });
    asked.on("error", reject);
  });
}
