/**
 * What this example is for: 8 uploads a second, each about 200 ms of CPU, with the health check
 * asked from another process all the while; and the same with `kill -9` in the middle. A witness
 * outside of the queue counts how often each upload was worked on: a file that the handler appends to.
 *
 * Latencies are printed, not asserted: what they must be is a ratio to a peer in the same run, and
 * `npm run bench -- health --peers` measures it under this very load.
 */
import { fork } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it, vi } from "vitest";
import { open } from "../../src/index.ts";
import type { HealthSample } from "./fixtures/health-samples.ts";
import { writePhotograph } from "./fixtures/photograph.ts";
import {
  endAll,
  freePort,
  type MediaServer,
  startMediaServer,
  temporaryFolder,
  waitForJob,
} from "./media-server.ts";
import { isStopped } from "./process-life.ts";

const PER_S = 8;
const UPLOAD_COUNT = 200;
const PHOTOGRAPH_WIDTH = 2_400;
/** With this photograph, about 200 ms of one core. */
const WIDTH = "1900";
const HEALTH_EVERY_MS = 10;
const HEALTH_SAMPLES_MIN = 2_000;
const RUN_MS_MAX = 180_000;

interface Witnessed {
  readonly event: "begin" | "end";
  readonly at: number;
  readonly id: string;
}

interface Scene {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly witnessed: () => readonly Witnessed[];
}

afterAll(endAll);

async function aScene(): Promise<Scene> {
  const folder = temporaryFolder();
  const audit = join(folder, "audit.jsonl");
  const port = String(await freePort());
  await writePhotograph(join(folder, "photo.jpg"), PHOTOGRAPH_WIDTH);
  return {
    folder,
    env: { DATA_DIR: folder, MEDIA_AUDIT: audit, PORT: port },
    witnessed: () =>
      existsSync(audit)
        ? readFileSync(audit, "utf8")
            .split("\n")
            .filter((line) => line !== "")
            .map((line) => JSON.parse(line) as Witnessed)
        : [],
  };
}

interface Load {
  readonly accepted: readonly string[];
  /** Resolves with the number of requests of which nobody knows whether they were accepted. */
  readonly ended: Promise<number>;
}

function startLoad({ url }: MediaServer, { folder }: Scene): Load {
  const file = join(folder, "photo.jpg");
  const argv = [`${url}/api/v1/media/process`, file, WIDTH, UPLOAD_COUNT, PER_S];
  const child = fork(fixture("upload-load.ts"), argv.map(String), { execArgv: [] });
  const accepted: string[] = [];
  let unanswered: number | undefined;
  child.on("message", (message: { accepted?: string; unanswered?: number }) => {
    if (message.accepted !== undefined) accepted.push(message.accepted);
    unanswered = message.unanswered ?? unanswered;
  });
  const { promise: ended, resolve, reject } = Promise.withResolvers<number>();
  child.on("exit", (code) => {
    if (unanswered === undefined) reject(new Error(`the load ended with ${code}`));
    else resolve(unanswered);
  });
  return { accepted, ended };
}

interface Health {
  readonly samples: readonly HealthSample[];
  readonly stop: () => void;
}

function startHealth({ url }: MediaServer): Health {
  const argv = [`${url}/api/v1/health`, String(HEALTH_EVERY_MS)];
  const child = fork(fixture("health-samples.ts"), argv, { execArgv: [] });
  const samples: HealthSample[] = [];
  child.on("message", (sample: HealthSample) => samples.push(sample));
  return { samples, stop: () => child.send("stop") };
}

function fixture(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
}

function isHealthy({ answer }: HealthSample): boolean {
  return answer === '200 {"status":"healthy"}';
}

async function waitForEnoughSamples({ samples }: Health): Promise<void> {
  await vi.waitFor(
    () => expect(samples.filter(isHealthy).length).toBeGreaterThanOrEqual(HEALTH_SAMPLES_MIN),
    { timeout: RUN_MS_MAX },
  );
}

async function expectAllDone(server: MediaServer, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const job = await waitForJob(server, id);
    expect(job).toMatchObject({ state: "done", attempt: 1, result: { width: Number(WIDTH) } });
  }
}

function countById(lines: readonly Witnessed[], event: Witnessed["event"]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) {
    if (line.event === event) counts.set(line.id, (counts.get(line.id) ?? 0) + 1);
  }
  return counts;
}

function print(what: string, samples: readonly HealthSample[], lines: readonly Witnessed[]): void {
  const sorted = samples.map(({ ms }) => ms).toSorted((one, other) => one - other);
  const at = (share: number): string =>
    (sorted.at(Math.ceil(sorted.length * share) - 1) ?? 0).toFixed(1);
  const begun = new Map(lines.map(({ id, event, at: when }) => [`${event} ${id}`, when]));
  const took = [...begun]
    .filter(([key]) => key.startsWith("end "))
    .map(([key, when]) => when - (begun.get(key.replace("end", "begin")) ?? when))
    .toSorted((one, other) => one - other);
  process.stdout.write(
    `${what}: health p50 ${at(0.5)} p99 ${at(0.99)} max ${at(1)} ms of ${sorted.length}; ` +
      `a compression took ${took[took.length >> 1] ?? 0} ms (median of ${took.length})\n`,
  );
}

it(
  `${UPLOAD_COUNT} uploads at ${PER_S} a second, each 200 ms of CPU: every job is done once, and health answers throughout`,
  async () => {
    const scene = await aScene();
    const server = await startMediaServer(scene.env);
    const health = startHealth(server);

    const load = startLoad(server, scene);
    const unanswered = await load.ended;
    await expectAllDone(server, load.accepted);
    await waitForEnoughSamples(health);
    health.stop();

    expect(unanswered).toBe(0);
    expect(new Set(load.accepted).size).toBe(UPLOAD_COUNT);
    expect(health.samples.filter((sample) => !isHealthy(sample))).toEqual([]);
    const lines = scene.witnessed();
    const once = new Map(load.accepted.map((id) => [id, 1]));
    expect(countById(lines, "begin")).toEqual(once);
    expect(countById(lines, "end")).toEqual(once);
    print("undisturbed", health.samples, lines);
    await server.end("SIGKILL");
  },
  RUN_MS_MAX,
);

it(
  "the same with kill -9 in the middle: nothing is lost, and only what was cut is done again",
  async () => {
    const scene = await aScene();
    const first = await startMediaServer(scene.env);
    const health = startHealth(first);
    const load = startLoad(first, scene);

    await vi.waitFor(() => expect(load.accepted.length).toBeGreaterThan(UPLOAD_COUNT / 2), {
      timeout: RUN_MS_MAX,
    });
    const cut = await stopInTheMiddle(first, scene);
    const killedAt = Date.now();
    expect(await first.end("SIGKILL")).toEqual({ code: null, signal: "SIGKILL" });
    const second = await startMediaServer(scene.env);
    const listeningAt = Date.now();

    const unanswered = await load.ended;
    await expectAllDone(second, load.accepted);
    await waitForEnoughSamples(health);
    health.stop();
    await vi.waitFor(() => expect(readdirSync(join(scene.folder, "uploads"))).toEqual([]), {
      timeout: RUN_MS_MAX,
    });
    expect(await second.end("SIGTERM")).toEqual({ code: 0, signal: null });

    expect(new Set(load.accepted).size).toBe(UPLOAD_COUNT);
    const asked = health.samples.filter(
      ({ sentAt, endedAt }) => endedAt < killedAt || sentAt > listeningAt,
    );
    expect(asked.filter((sample) => !isHealthy(sample))).toEqual([]);
    expect(asked.length).toBeGreaterThanOrEqual(HEALTH_SAMPLES_MIN);
    await expectOnlyCutAttemptsRepeated(scene, load.accepted, { cut, unanswered });
    print("with kill -9", asked, scene.witnessed());
  },
  RUN_MS_MAX,
);

/**
 * Halts the process while an attempt is under way, so that the kill that follows certainly cuts one:
 * a process that is stopped can neither end an attempt nor settle it. Answers which.
 */
async function stopInTheMiddle(
  { pid }: MediaServer,
  { witnessed }: Scene,
): Promise<readonly string[]> {
  return vi.waitFor(
    async () => {
      process.kill(pid, "SIGSTOP");
      await vi.waitUntil(() => isStopped(pid), { timeout: RUN_MS_MAX, interval: 5 });
      const lines = witnessed();
      const ended = countById(lines, "end");
      const cut = [...countById(lines, "begin").keys()].filter((id) => !ended.has(id));
      if (cut.length > 0) return cut;
      process.kill(pid, "SIGCONT");
      throw new Error("nothing is under way");
    },
    { timeout: RUN_MS_MAX, interval: 20 },
  );
}

/** The store's own count of losses and the witness outside must tell the same story. */
async function expectOnlyCutAttemptsRepeated(
  { folder, witnessed }: Scene,
  accepted: readonly string[],
  { cut, unanswered }: { readonly cut: readonly string[]; readonly unanswered: number },
): Promise<void> {
  const app = await open({ store: `sqlite:${join(folder, "jobs.db")}`, work: false });
  try {
    const jobs = await app.jobs({ queue: "images", limit: 1_000 });
    const lossesOf = new Map(jobs.map(({ id, losses }) => [id, losses]));
    const begins = countById(witnessed(), "begin");
    const ends = countById(witnessed(), "end");
    const repeated = [...begins].filter(([, times]) => times > 1).map(([id]) => id);

    // A request without an answer may have been accepted all the same; more jobs than that are made up.
    expect(jobs.filter(({ state }) => state !== "done")).toEqual([]);
    expect(jobs.length).toBeGreaterThanOrEqual(accepted.length);
    expect(jobs.length).toBeLessThanOrEqual(accepted.length + unanswered);
    expect(accepted.filter((id) => !lossesOf.has(id))).toEqual([]);

    expect(cut.filter((id) => begins.get(id) !== 2 || lossesOf.get(id) !== 1)).toEqual([]);
    expect(repeated.filter((id) => lossesOf.get(id) !== 1 || begins.get(id) !== 2)).toEqual([]);
    expect(jobs.filter(({ id }) => !ends.has(id))).toEqual([]);
    process.stdout.write(
      `cut: ${cut.length} attempts; done again: ${repeated.length}; ` +
        `jobs that lost a lease: ${jobs.filter(({ losses }) => losses > 0).length}; unanswered: ${unanswered}\n`,
    );
  } finally {
    await app.close();
  }
}
