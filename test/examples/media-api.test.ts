import { execFileSync } from "node:child_process";
import { constants, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
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

/** The broken server gets this long: it would answer in a millisecond, or never. */
const HANG_MS = 3_000;

const photo = new Uint8Array(readFileSync(join(ROOT, "examples/media-api/samples/harbour.jpg")));
afterAll(endAll);

/**
 * A server that cannot get on with an image before it is let: whoever compresses notes that he
 * begins, in a pipe that nobody reads yet, and waits there.
 */
async function aServer(program: "server" | "broken") {
  const folder = temporaryFolder();
  const pipe = join(folder, "audit");
  execFileSync("mkfifo", [pipe]);
  const server = await startMediaServer({ DATA_DIR: folder, MEDIA_AUDIT: pipe }, [
    process.execPath,
    `examples/media-api/${program}.ts`,
  ]);
  // Open to the end of this process, so that who writes later does not wait either.
  const letGoOn = (): number => openSync(pipe, constants.O_RDWR);
  return { server, letGoOn, [Symbol.dispose]: letGoOn };
}

function upload({ url }: MediaServer): Promise<string> {
  const body = aForm(photo, { width: "320" });
  return fetch(`${url}/api/v1/media/process`, { method: "POST", body }).then(acceptedId);
}

async function health({ url }: MediaServer, waitMs: number): Promise<string> {
  const response = await fetch(`${url}/api/v1/health`, { signal: AbortSignal.timeout(waitMs) });
  return `${response.status} ${await response.text()}`;
}

describe("media-api", () => {
  it("answers its health check while an image is compressed", async () => {
    using held = await aServer("server");
    const { server } = held;
    const id = await upload(server);
    const before = await waitForJob(server, id, ({ state }) => state === "leased");

    const answer = await health(server, 20_000);
    const after = await waitForJob(server, id, () => true);
    held.letGoOn();

    expect(answer).toBe('200 {"status":"healthy"}');
    expect([before.state, after.state]).toEqual(["leased", "leased"]);
    expect(await waitForJob(server, id)).toMatchObject({ state: "done", attempt: 1 });
  });

  it("answers no health check where the image is compressed on the main loop, until it is made", async () => {
    using held = await aServer("broken");
    const { server } = held;
    expect(await health(server, 20_000)).toBe('200 {"status":"healthy"}');
    const accepted = upload(server);
    await vi.waitFor(() => expect(server.output()).toMatch(/: compressing$/m), { timeout: 20_000 });

    await expect(health(server, HANG_MS)).rejects.toMatchObject({ name: "TimeoutError" });
    held.letGoOn();

    expect(await waitForJob(server, await accepted)).toMatchObject({ state: "done" });
    expect(await health(server, 20_000)).toBe('200 {"status":"healthy"}');
  });
});
