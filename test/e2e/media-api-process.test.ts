import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ROOT } from "../../scripts/packed-project.ts";
import {
  acceptedId,
  aForm,
  endAll,
  type MediaServer,
  postJson,
  spawnMediaServer,
  startMediaServer,
  temporaryFolder,
  waitForJob,
} from "./media-server.ts";

const PROCESS = "/api/v1/media/process";
const samples = join(ROOT, "examples/media-api/samples");
const harbour = readFileSync(join(samples, "harbour.jpg"));
const broken = readFileSync(join(samples, "broken.jpg"));

let other: MediaServer;
let dataFolder: string;

beforeAll(async () => {
  dataFolder = temporaryFolder();
  other = await startMediaServer({ DATA_DIR: dataFolder });
});
afterAll(endAll);

function uploads(folder: string): readonly string[] {
  return readdirSync(join(folder, "uploads"));
}

describe("a full queue", () => {
  it("is answered within a second or so by 503 and Retry-After, and keeps no input", async () => {
    const folder = temporaryFolder();
    const full = await startMediaServer({ DATA_DIR: folder, QUEUE_CAPACITY: "1" });
    const post = (body: FormData): Promise<Response> =>
      fetch(full.url + PROCESS, { method: "POST", body });
    // They keep every thread busy for seconds, so that nothing is taken from the other queue.
    const busy = Array.from({ length: 8 }, () =>
      postJson(`${full.url}/api/v1/compute`, { below: 20_000_000 }),
    );
    await Promise.all(busy);

    const answers = await Promise.all(
      Array.from({ length: 12 }, () => post(aForm(new Uint8Array(harbour)))),
    );
    const refused = answers.filter(({ status }) => status === 503);
    const accepted = answers.filter(({ status }) => status === 202);

    expect(refused.length + accepted.length).toBe(12);
    expect(refused.length).toBeGreaterThan(0);
    for (const response of refused) {
      expect(response.headers.get("retry-after")).toBe("1");
      expect(await response.json()).toMatchObject({
        // The second: as many as the queue holds wait for room, and the next are refused at once.
        error: expect.stringMatching(/^UNJAM_(QUEUE_FULL|TOO_MANY_WAITERS)$/) as string,
        message: expect.any(String) as string,
        help: expect.any(String) as string,
      });
    }
    expect((await fetch(`${full.url}/api/v1/health`)).status).toBe(200);
    expect(uploads(folder)).toHaveLength(accepted.length);
    await full.end("SIGKILL");
  });
});

describe("the server", () => {
  it("prints what to try, with files that are there, and where its data is", () => {
    const files = [...other.output().matchAll(/file=@(\S+)/g)].map(([, file = ""]) => file);

    expect(files.length).toBeGreaterThan(1);
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    expect(other.output()).toContain(dataFolder);
    expect(other.output()).toContain(`curl ${other.url}/api/v1/health`);
  });

  it.each(["SIGTERM", "SIGINT"] as const)(
    "on %s finishes what it runs, keeps what waits, and ends with exit code 0",
    async (signal) => {
      const folder = temporaryFolder();
      const first = await startMediaServer({ DATA_DIR: folder });
      const ids = await Promise.all(
        Array.from({ length: 6 }, async () =>
          acceptedId(await postJson(`${first.url}/api/v1/compute`, { below: 1_000_000 })),
        ),
      );
      await waitForJob(first, ids[0] ?? "", ({ state }) => state !== "ready");

      const ended = await first.end(signal);

      expect(ended).toEqual({ code: 0, signal: null });
      expect(first.output()).toContain("closed");
      const second = await startMediaServer({ DATA_DIR: folder });
      const jobs = await Promise.all(ids.map((id) => waitForJob(second, id)));
      expect(jobs.map(({ state, attempt }) => `${state} ${attempt}`)).toEqual(
        ids.map(() => "done 1"),
      );
      await second.end("SIGKILL");
    },
  );

  it("removes what killed processes and forgotten jobs left behind, and nothing else", async () => {
    const folder = temporaryFolder();
    const first = await startMediaServer({ DATA_DIR: folder });
    const post = { method: "POST", body: aForm(new Uint8Array(broken)) };
    const dead = await acceptedId(await fetch(first.url + PROCESS, post));
    await waitForJob(first, dead);
    await first.end("SIGKILL");
    const [orphan, half, fresh] = ["orphan", "half.part", "fresh"];
    for (const name of [orphan, half, fresh]) writeFileSync(join(folder, "uploads", name), "");
    const longAgo = new Date(Date.now() - 2 * 3_600_000);
    for (const name of [orphan, half, dead])
      utimesSync(join(folder, "uploads", name), longAgo, longAgo);

    const second = await startMediaServer({ DATA_DIR: folder });

    await vi.waitFor(() => expect(uploads(folder).toSorted()).toEqual([dead, fresh].toSorted()));
    await second.end("SIGKILL");
  });

  it.each([
    ["a port that is taken", () => ({ PORT: new URL(other.url).port }), /EADDRINUSE.*PORT/],
    ["a port that is none", () => ({ PORT: "http" }), /PORT is a whole number from 0 to 65535/],
    ["no place for its data", () => ({ DATA_DIR: "/dev/null/x" }), /DATA_DIR: ENOTDIR/],
    ["no media folder", () => ({ MEDIA_DIR: join(dataFolder, "no") }), /MEDIA_DIR: ENOENT/],
  ])("ends at once with one line when it has %s", async (_what, env, line) => {
    const under = spawnMediaServer({ DATA_DIR: dataFolder, ...env() });

    const ended = await under.ended;

    expect(ended.code).toBe(1);
    expect(under.output().trim().split("\n")).toEqual([expect.stringMatching(line)]);
  });

  it("says with code and help that a file is not its store", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "jobs.db"), "notes of mine ".repeat(100));

    const under = spawnMediaServer({ DATA_DIR: folder });

    expect((await under.ended).code).toBe(4);
    expect(under.output()).toMatch(/^UNJAM_STORE_FOREIGN: .*\n.+/);
  });

  it("is what `npm start` starts, and Ctrl-C ends", async () => {
    const started = await startMediaServer({ DATA_DIR: temporaryFolder() }, ["npm", "start"]);
    const id = await acceptedId(
      await postJson(started.url + PROCESS, { path: "meadow.png", width: 64 }),
    );
    expect(await waitForJob(started, id)).toMatchObject({ state: "done" });

    // To npm alone, as a container does it; a terminal sends it to all of them.
    await started.end("SIGINT");

    expect(started.output()).toContain("closed");
  });
});
