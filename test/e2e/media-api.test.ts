import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ROOT } from "../../scripts/packed-project.ts";
import {
  acceptedId,
  aForm,
  endAll,
  type MediaServer,
  postJson,
  readJob,
  spawnMediaServer,
  startMediaServer,
  temporaryFolder,
  waitForJob,
} from "./media-server.ts";

const PROCESS = "/api/v1/media/process";
const JOB_MS_MAX = 30_000;
const UPLOAD_BYTES_MAX = 100_000;
const samples = join(ROOT, "examples/media-api/samples");
const harbour = readFileSync(join(samples, "harbour.jpg"));
const broken = readFileSync(join(samples, "broken.jpg"));

let server: MediaServer;
let dataFolder: string;
let mediaFolder: string;

beforeAll(async () => {
  dataFolder = temporaryFolder();
  mediaFolder = temporaryFolder();
  writeFileSync(join(mediaFolder, "harbour.jpg"), harbour);
  writeFileSync(join(mediaFolder, "large.bin"), Buffer.alloc(UPLOAD_BYTES_MAX + 1));
  symlinkSync(join(samples, "meadow.png"), join(mediaFolder, "elsewhere.png"));
  symlinkSync("harbour.jpg", join(mediaFolder, "same.jpg"));
  server = await startMediaServer({
    DATA_DIR: dataFolder,
    MEDIA_DIR: mediaFolder,
    UPLOAD_BYTES_MAX: String(UPLOAD_BYTES_MAX),
  });
});
afterAll(endAll);

function upload(file: Buffer | undefined, fields?: Record<string, string>): Promise<Response> {
  const body = aForm(file === undefined ? undefined : new Uint8Array(file), fields);
  return fetch(server.url + PROCESS, { method: "POST", body });
}

function uploads(folder: string = dataFolder): readonly string[] {
  return readdirSync(join(folder, "uploads"));
}

describe("POST /api/v1/media/process", () => {
  it("answers an upload with 202, an id and where to look, and makes the image", async () => {
    const response = await upload(harbour, { width: "320", quality: "60" });
    const body = (await response.json()) as { id: string; url: string };

    expect(response.status).toBe(202);
    expect(Object.keys(body)).toEqual(["id", "url"]);
    expect(body.url).toBe(`/api/v1/jobs/${body.id}`);
    expect(response.headers.get("location")).toBe(body.url);

    const job = await waitForJob(server, body.id);
    expect(job).toMatchObject({ id: body.id, state: "done", progress: 1, attempt: 1 });
    const image = await fetch(server.url + (job.result?.url ?? ""));
    const data = await image.bytes();
    expect(await sharp(data).metadata()).toMatchObject({ format: "webp", width: 320 });
    expect(job.result).toMatchObject({ bytes: data.length, bytesBefore: harbour.length });
  });

  it("takes fields that stand after the file", async () => {
    const form = aForm(new Uint8Array(harbour));
    form.append("width", "100");

    const response = await fetch(server.url + PROCESS, { method: "POST", body: form });

    const job = await waitForJob(server, await acceptedId(response));
    expect(job.result).toMatchObject({ width: 100 });
  });

  it.each(["harbour.jpg", "./harbour.jpg", "same.jpg"])(
    "takes the path %s in the media folder",
    async (path) => {
      const response = await postJson(server.url + PROCESS, { path, width: 64 });

      const job = await waitForJob(server, await acceptedId(response));
      expect(job).toMatchObject({ state: "done", result: { width: 64 } });
    },
  );

  it("gives an image that is narrow already its own width", async () => {
    const response = await postJson(server.url + PROCESS, { path: "harbour.jpg", width: 8_000 });

    const job = await waitForJob(server, await acceptedId(response));
    expect(job.result).toMatchObject({ width: 960 });
  });

  it.each([
    ["half a JPEG", broken, /premature end/i],
    ["a text", Buffer.from("not an image at all"), /not an image that can be read/],
    [
      "an SVG",
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      /svg/,
    ],
    ["a PNG that says it is enormous", pngHead(60_000, 60_000), /pixel limit/],
  ])("accepts %s, and the job is dead after one attempt with the reason", async (_, file, why) => {
    const id = await acceptedId(await upload(file));

    const job = await waitForJob(server, id);

    expect(job).toMatchObject({ id, state: "dead", attempt: 1 });
    expect(job.error?.message).toMatch(why);
    expect(job).not.toHaveProperty("result");
  });
});

describe("what cannot be an upload at all is refused, and leaves nothing on the disk:", () => {
  const file = { file: harbour };
  it.each<[string, number, { file?: Buffer; fields?: Record<string, string> }]>([
    ["a form without a file", 400, { fields: { width: "3" } }],
    ["text in the field of the file", 400, { fields: { file: "hello" } }],
    ["an empty file", 400, { file: Buffer.alloc(0) }],
    ["a file that is too large", 413, { file: Buffer.alloc(UPLOAD_BYTES_MAX + 1) }],
    ["a width in letters", 400, { ...file, fields: { width: "wide" } }],
    ["a width of 0", 400, { ...file, fields: { width: "0" } }],
    ["a width with an exponent", 400, { ...file, fields: { width: "1e3" } }],
    ["an empty width", 400, { ...file, fields: { width: "" } }],
    ["a width past the limit", 400, { ...file, fields: { width: "8193" } }],
    ["a quality of 101", 400, { ...file, fields: { quality: "101" } }],
    ["a negative quality", 400, { ...file, fields: { quality: "-1" } }],
  ])("%s with %i", async (_what, status, { file: content, fields }) => {
    const before = uploads();

    const response = await upload(content, fields);

    expect(response.status).toBe(status);
    expect(await response.json()).toHaveProperty("message");
    expect(uploads()).toEqual(before);
  });

  it("a file in another field, and a second file", async () => {
    const before = uploads();
    const other = new FormData();
    other.append("image", new Blob([new Uint8Array(harbour)]), "photo.jpg");
    const two = aForm(new Uint8Array(harbour));
    two.append("file", new Blob([new Uint8Array(harbour)]), "photo.jpg");

    const answers = await Promise.all(
      [other, two].map((body) => fetch(server.url + PROCESS, { method: "POST", body })),
    );

    expect(answers.map(({ status }) => status)).toEqual([400, 413]);
    expect(uploads()).toEqual(before);
  });

  const form = "multipart/form-data; boundary=b";
  it.each([
    ["no body", 415, undefined, undefined],
    ["an image that is not in a form", 415, "image/png", "x"],
    ["a form without its boundary", 400, "multipart/form-data", "x"],
    ["a form that is empty", 400, form, ""],
    ["a form that is none", 400, form, "hello"],
    [
      "a form without its end",
      400,
      form,
      '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf',
    ],
    ["JSON that is none", 400, "application/json", "{"],
    ["JSON that is no object", 400, "application/json", "[]"],
    ["JSON with a __proto__", 400, "application/json", '{"path":"harbour.jpg","__proto__":{}}'],
  ])("%s with %i", async (_what, status, type, body) => {
    const before = uploads();
    const headers = type === undefined ? {} : { "content-type": type };

    const response = await fetch(server.url + PROCESS, {
      method: "POST",
      headers,
      ...(body === undefined ? {} : { body: Buffer.from(body) }),
    });

    expect(response.status).toBe(status);
    expect(uploads()).toEqual(before);
  });

  it.each([
    [400, {}],
    [400, { path: "" }],
    [400, { path: 5 }],
    [400, { path: ["harbour.jpg"] }],
    [400, { path: "harbour.jpg", width: "wide" }],
    [400, { path: "harbour.jpg", width: 1.5 }],
    [400, { path: "harbour.jpg", width: { valueOf: 3 } }],
    [400, { path: "harbour.jpg", quality: null }],
    [403, { path: "../package.json" }],
    [403, { path: "a/../../b" }],
    [403, { path: "/etc/passwd" }],
    [403, { path: "." }],
    [403, { path: "harbour.jpg\0.png" }],
    [403, { path: "elsewhere.png" }],
    [404, { path: "nothing.jpg" }],
    [404, { path: "harbour.jpg/x" }],
    [413, { path: "large.bin" }],
  ])("with %i, the JSON %j", async (status, body) => {
    const before = uploads();

    const response = await postJson(server.url + PROCESS, body);

    expect(response.status).toBe(status);
    expect(uploads()).toEqual(before);
  });

  it("an upload that its client breaks off", async () => {
    const before = uploads();
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST ${PROCESS} HTTP/1.1\r\nHost: x\r\nContent-Type: ${form}\r\nContent-Length: 90000\r\n\r\n` +
        '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nbeginning',
    );
    await vi.waitFor(() => expect(uploads().length).toBe(before.length + 1));

    socket.destroy();

    await vi.waitFor(() => expect(uploads()).toEqual(before));
  });
});

describe("GET /api/v1/jobs/:id", () => {
  it("tells how far a job is while it runs, and answers in between", async () => {
    const id = await acceptedId(
      await postJson(`${server.url}/api/v1/compute`, { below: 3_000_000 }),
    );

    const job = await waitForJob(server, id, ({ progress }) => progress > 0);
    expect(job).toMatchObject({ id, state: "leased", attempt: 0 });
    expect(Object.keys(job)).toEqual(["id", "state", "progress", "attempt"]);

    const done = await waitForJob(server, id);
    expect(done).toMatchObject({ state: "done", progress: 1, result: { primes: 216_816 } });
  });

  it.each(["nope", "j_zzzzz", "..%2f..%2fetc", "%00", "00000000-0000-4000-8000-000000000000"])(
    "answers 404 for %s",
    async (id) => {
      const response = await fetch(`${server.url}/api/v1/jobs/${id}`);

      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: "UNJAM_JOB_UNKNOWN" });
    },
  );
});

describe("GET /api/v1/health", () => {
  it("says healthy", async () => {
    const response = await fetch(`${server.url}/api/v1/health`);

    expect([response.status, await response.json()]).toEqual([200, { status: "healthy" }]);
  });
});

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
        error: "UNJAM_QUEUE_FULL",
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
    const files = [...server.output().matchAll(/file=@(\S+)/g)].map(([, file = ""]) => file);

    expect(files.length).toBeGreaterThan(1);
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    expect(server.output()).toContain(dataFolder);
    expect(server.output()).toContain(`curl ${server.url}/api/v1/health`);
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
    JOB_MS_MAX * 2,
  );

  it.each([
    ["a port that is taken", () => ({ PORT: new URL(server.url).port }), /EADDRINUSE.*PORT/],
    ["a port that is none", () => ({ PORT: "http" }), /PORT is a whole number from 0 to 65535/],
    ["no place for its data", () => ({ DATA_DIR: "/dev/null/x" }), /DATA_DIR: ENOTDIR/],
    ["no media folder", () => ({ MEDIA_DIR: join(mediaFolder, "no") }), /MEDIA_DIR: ENOENT/],
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

    await started.end("SIGINT");

    expect(started.output()).toContain("closed");
  });
});

/** The head of a PNG, which says how large the image is before any of it has come. */
function pngHead(width: number, height: number): Buffer {
  const head = Buffer.alloc(33);
  head.write("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "latin1");
  head.writeUInt32BE(width, 16);
  head.writeUInt32BE(height, 20);
  head.set([8, 2, 0, 0, 0], 24);
  return Buffer.concat([head, Buffer.alloc(1_000)]);
}

void once;
void readJob;
