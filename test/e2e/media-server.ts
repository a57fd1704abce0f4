/** The media API as its users run it: a process of its own, reached over HTTP, ended by signals. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { outsideEnvironment, ROOT } from "../../scripts/packed-project.ts";

/** A busy machine may take long to start a process; a server that is not there by then is broken. */
const START_MS_MAX = 20_000;
const SETTLED = ["done", "dead", "cancelled", "expired", "dropped"];

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessUnderTest {
  readonly pid: number;
  /** Everything it has written so far, stdout and stderr. */
  readonly output: () => string;
  readonly ended: Promise<Ended>;
  /** Sends a signal and waits for the end. */
  readonly end: (signal: NodeJS.Signals) => Promise<Ended>;
}

export interface MediaServer extends ProcessUnderTest {
  readonly url: string;
}

export interface JobAnswer {
  readonly id: string;
  readonly state: string;
  readonly progress: number;
  readonly attempt: number;
  readonly result?: { readonly url: string; readonly [name: string]: unknown };
  readonly error?: { readonly name: string; readonly message: string };
}

const running = new Set<ProcessUnderTest>();

/** A folder that is removed by {@link endAll}. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "unjam-media-"));
  folders.add(folder);
  return folder;
}
const folders = new Set<string>();

/** For afterAll: no process and no folder outlives its test file. */
export async function endAll(): Promise<void> {
  await Promise.all([...running].map((process) => process.end("SIGKILL")));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

/** The server's process, whatever becomes of it. */
export function spawnMediaServer(
  env: NodeJS.ProcessEnv,
  [command, ...argv]: readonly [string, ...string[]] = [
    process.execPath,
    "examples/media-api/server.ts",
  ],
): ProcessUnderTest {
  const child = spawn(command, argv, {
    cwd: ROOT,
    env: { ...outsideEnvironment(), PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const { promise: ended, resolve } = Promise.withResolvers<Ended>();
  child.on("close", (code, signal) => resolve({ code, signal }));
  const under: ProcessUnderTest = {
    pid: child.pid ?? 0,
    output: () => output,
    ended,
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
  running.add(under);
  void ended.then(() => running.delete(under));
  return under;
}

/** Resolves when it listens. */
export async function startMediaServer(
  env: NodeJS.ProcessEnv,
  command?: readonly [string, ...string[]],
): Promise<MediaServer> {
  const under = spawnMediaServer(env, command);
  let isOver = false;
  void under.ended.then(() => (isOver = true));
  const url = await vi.waitFor(
    () => {
      const found = /listening on (http:\S+)/.exec(under.output())?.[1];
      if (found === undefined && !isOver) throw new Error(`not listening: ${under.output()}`);
      return found;
    },
    { timeout: START_MS_MAX, interval: 20 },
  );
  if (url === undefined) throw new Error(`it ended: ${under.output()}`);
  return { ...under, url };
}

/** A port that nobody listens on, for a server that has to come back on the same one. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A form with one file, as a browser would send it. */
export function aForm(
  file: Uint8Array<ArrayBuffer> | undefined,
  fields: Readonly<Record<string, string>> = {},
): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  if (file !== undefined) form.append("file", new Blob([file]), "photo.jpg");
  return form;
}

export async function postJson(url: string, body: unknown): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
}

async function readJob(server: MediaServer, id: string): Promise<JobAnswer> {
  const response = await fetch(`${server.url}/api/v1/jobs/${id}`);
  expect(response.status).toBe(200);
  return (await response.json()) as JobAnswer;
}

/** The job of an accepted request, when `isThere` yet; by default, settled. */
export async function waitForJob(
  server: MediaServer,
  id: string,
  isThere: (job: JobAnswer) => boolean = ({ state }) => SETTLED.includes(state),
): Promise<JobAnswer> {
  return vi.waitFor(
    async () => {
      const job = await readJob(server, id);
      if (!isThere(job)) throw new Error(`not there yet: ${JSON.stringify(job)}`);
      return job;
    },
    { timeout: 60_000, interval: 20 },
  );
}

/** The id in an answer, which must be a 202. */
export async function acceptedId(response: Response): Promise<string> {
  const text = await response.text();
  expect(response.status, text).toBe(202);
  return (JSON.parse(text) as { id: string }).id;
}
