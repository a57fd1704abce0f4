import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
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

/** As many as the server has threads for images. */
const CORES = Math.min(availableParallelism(), 3);
/** Images that are asked for at once, so that no thread ever waits for one. */
const SURGE = 16;
const CHECKS = 200;

const photo = new Uint8Array(readFileSync(join(ROOT, "examples/media-api/samples/harbour.jpg")));
const folder = temporaryFolder();
const audit = join(folder, "audit.jsonl");
let server: MediaServer;

beforeAll(async () => {
  server = await startMediaServer({ DATA_DIR: folder, MEDIA_AUDIT: audit });
});
afterAll(endAll);

async function upload(): Promise<string> {
  const body = aForm(photo, { width: "640" });
  return acceptedId(await fetch(`${server.url}/api/v1/media/process`, { method: "POST", body }));
}

/** How many compressions have begun and not ended, as the threads themselves say. */
function underWay(): number {
  const lines = existsSync(audit) ? readFileSync(audit, "utf8").split("\n") : [];
  const count = (event: string): number =>
    lines.filter((line) => line.startsWith(`{"event":"${event}"`)).length;
  return count("begin") - count("end");
}

/** Asks for the health once: what it answered, and whether every core was at work before and after. */
async function checkHealth(): Promise<{ readonly answer: string; readonly isBusy: boolean }> {
  const before = underWay();
  const response = await fetch(`${server.url}/api/v1/health`);
  const answer = `${response.status} ${await response.text()}`;
  return { answer, isBusy: before >= CORES && underWay() >= CORES };
}

describe("the media API, as npm start runs it", () => {
  it("compresses a real image in the background; its progress and result can be read", async () => {
    const job = await waitForJob(server, await upload());

    expect(job).toMatchObject({ state: "done", progress: 1, attempt: 1 });
    const image = await fetch(server.url + (job.result?.url ?? ""));
    expect(image.status).toBe(200);
    expect((await image.bytes()).length).toBeLessThan(photo.length);
  });

  // How fast it does is a ratio to a pool's in the same run: `npm run bench -- health --peers`.
  it(`answers every one of ${CHECKS} health checks while images keep every core busy`, async () => {
    const progress = { isOver: false };
    const clients = Array.from({ length: SURGE }, async () => {
      const states: string[] = [];
      while (!progress.isOver) states.push((await waitForJob(server, await upload())).state);
      return states;
    });

    const answers = new Set<string>();
    for (let whileBusy = 0; whileBusy < CHECKS;) {
      const { answer, isBusy } = await checkHealth();
      answers.add(answer);
      if (isBusy) whileBusy += 1;
    }
    progress.isOver = true;
    const states = (await Promise.all(clients)).flat();

    expect([...answers]).toEqual(['200 {"status":"healthy"}']);
    expect(new Set(states)).toEqual(new Set(["done"]));
  });
});
