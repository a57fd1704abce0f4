import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../scripts/packed-project.ts";
import {
  acceptedId,
  aForm,
  endAll,
  type MediaServer,
  startMediaServer,
  temporaryFolder,
  waitForJob,
} from "../e2e/media-server.ts";

const SURGE = 16;
/** "In milliseconds" has three digits at most. The exact figure, beside piscina's, is bench/health's. */
const HEALTH_P99_MS_MAX = 999;

const photo = new Uint8Array(readFileSync(join(ROOT, "examples/media-api/samples/harbour.jpg")));
let server: MediaServer;

beforeAll(async () => {
  server = await startMediaServer({ DATA_DIR: temporaryFolder() });
});
afterAll(endAll);

async function upload(): Promise<string> {
  const body = aForm(photo, { width: "640" });
  return acceptedId(await fetch(`${server.url}/api/v1/media/process`, { method: "POST", body }));
}

describe("the media API, as npm start runs it", () => {
  it("compresses a real image in the background; its progress and result can be read", async () => {
    const job = await waitForJob(server, await upload());

    expect(job).toMatchObject({ state: "done", progress: 1, attempt: 1 });
    const image = await fetch(server.url + (job.result?.url ?? ""));
    expect(image.status).toBe(200);
    expect((await image.bytes()).length).toBeLessThan(photo.length);
  });

  it("answers health in milliseconds while a surge of images keeps every core busy", async () => {
    const ids = await Promise.all(Array.from({ length: SURGE }, () => upload()));
    const progress = { isOver: false };
    const settled = Promise.all(ids.map((id) => waitForJob(server, id))).finally(() => {
      progress.isOver = true;
    });

    const times: number[] = [];
    const statuses = new Set<number>();
    while (!progress.isOver) {
      const began = performance.now();
      statuses.add((await fetch(`${server.url}/api/v1/health`)).status);
      times.push(performance.now() - began);
    }
    const jobs = await settled;

    expect(new Set(jobs.map(({ state }) => state))).toEqual(new Set(["done"]));
    expect([...statuses]).toEqual([200]);
    const p99 = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)];
    expect(p99).toBeLessThanOrEqual(HEALTH_P99_MS_MAX);
  });
});
