import { describe, expect, it } from "vitest";
import { RunningExample } from "./example.ts";
import { healthWhile } from "../systems/health-while.ts";

/** A request that takes longer than this has no answer; sound ones take a second at most. */
const ANSWER_MS_MAX = 20_000;
/** The broken server gets this long: it would answer in a millisecond, or never. */
const HANG_MS = 3_000;

/** The server, and a way to ask it. */
async function aServer(program: "server" | "broken") {
  const example = new RunningExample(`transcription-server/${program}.ts`);
  const url = await example.url();
  const get = (path: string, waitMs = ANSWER_MS_MAX): Promise<Response> =>
    fetch(url + path, { signal: AbortSignal.timeout(waitMs) });
  return { example, get, [Symbol.asyncDispose]: () => example[Symbol.asyncDispose]() };
}

type Get = Awaited<ReturnType<typeof aServer>>["get"];

describe("transcription-server", () => {
  it("puts each request's recording into the queue, and its worker transcribes it", async () => {
    await using server = await aServer("server");

    const responses = [await server.get("/transcribe"), await server.get("/transcribe")];

    expect(responses.map(({ status }) => status)).toEqual([200, 200]);
    expect(await Promise.all(responses.map((response) => response.json()))).toEqual([
      { status: "enqueued", task_id: "task-0" },
      { status: "enqueued", task_id: "task-1" },
    ]);
    await server.example.says(/^task-0: transcribed\ntask-1: transcribed$/m);
  });

  it("answers 503 with Retry-After where the put of the broken one never ends, and /healthz throughout", async () => {
    await using server = await aServer("server");

    const blocked = Array.from({ length: 20 }, () => server.get("/transcribe?block=true"));
    const [health, responses] = await Promise.all([
      healthWhile(server.get, Promise.all(blocked)),
      Promise.all(blocked),
    ]);

    expect(health).toEqual(new Set(['200 {"status":"ok"}']));
    for (const response of responses) {
      expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(await response.json()).toMatchObject({
        error: "UNJAM_QUEUE_FULL",
        details: { queue: "recordings", capacity: 1 },
      });
    }
  });

  it("starts its worker again with a call without block", async () => {
    await using server = await aServer("server");
    await server.get("/transcribe?block=true");

    const response = await server.get("/transcribe");

    expect(await response.json()).toEqual({ status: "enqueued", task_id: "task-1" });
    await server.example.says(/^task-0-warmup: transcribed\ntask-1: transcribed$/m);
  });

  it("keeps its worker while it throws within its budget, and refuses at once when it is dead", async () => {
    await using server = await aServer("server");
    for (let n = 0; n < 3; n++) await server.get("/transcribe?corrupt=true");
    await server.get("/transcribe");
    await server.example.says(/^task-3: transcribed$/m);

    await server.get("/transcribe?corrupt=true");
    const refused = await firstRefusal(server.get);

    expect(refused.headers.get("retry-after")).toBe("1");
    const body: unknown = await refused.json();
    expect(body).toMatchObject({
      error: "UNJAM_NO_CONSUMER",
      details: {
        lastConsumer: {
          worker: "transcriber",
          reason: "its handler threw 4 times within 60000 ms, last: not a recording",
        },
      },
    });
    expect((await server.get("/healthz")).status).toBe(200);
  });

  it("ends with a signal, when it has transcribed what waits", async () => {
    await using server = await aServer("server");
    await server.get("/transcribe?block=true");

    server.example.signal("SIGTERM");
    const { code, stdout } = await server.example.ended;

    expect(stdout).toMatch(/^task-0-warmup: transcribed$/m);
    expect(code).toBe(0);
  });

  it("never answers again where put() blocks, nor does /healthz, while the worker's heart beats", async () => {
    await using server = await aServer("broken");
    expect((await server.get("/transcribe")).status).toBe(200);
    await server.example.says(/^task-0: transcribed$/m);
    const answered: string[] = [];
    const ask = (path: string): Promise<unknown> =>
      server.get(path, HANG_MS).then(
        () => answered.push(path),
        (error: unknown) => error,
      );

    const blocked = ask("/transcribe?block=true");
    await server.example.says(/^task-1: waits for room$/m);
    const health = ask("/healthz");
    const release = ask("/transcribe");

    for (const ends of await Promise.all([blocked, health, release])) {
      expect(ends).toMatchObject({ name: "TimeoutError" });
    }
    expect(answered).toEqual([]);
    const beatCount = server.example.stdout.split("heartbeat: all is well").length;
    await server.example.says(new RegExp(`(?:heartbeat: all is well\\s+){${beatCount}}`));
  });
});

/** The worker dies in its own time; requests before that are let in. */
async function firstRefusal(get: Get): Promise<Response> {
  for (;;) {
    const response = await get("/transcribe");
    if (response.status !== 200) return response;
  }
}
