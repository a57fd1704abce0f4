import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ROOT } from "../../scripts/packed-project.ts";
import {
  acceptedId,
  aForm,
  endAll,
  type MediaServer,
  postJson,
  startMediaServer,
  temporaryFolder,
  waitForJob,
} from "./media-server.ts";

const PROCESS = "/api/v1/media/process";
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

function uploads(): readonly string[] {
  return readdirSync(join(dataFolder, "uploads"));
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
    ["a PNG that says it is enormous", aPngOf(60_000, 60_000), /pixel limit/],
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
    expect(await response.json()).toMatchObject({
      code: expect.stringMatching(/^(?:NO_FILE|EMPTY_FILE|FILE_TOO_LARGE|BAD_NUMBER)$/) as string,
      message: expect.any(String) as string,
    });
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
    expect(await Promise.all(answers.map((answer) => answer.json()))).toMatchObject([
      { code: "NO_FILE" },
      { code: "TOO_MANY_FILES" },
    ]);
    expect(uploads()).toEqual(before);
  });

  const form = "multipart/form-data; boundary=b";
  it.each([
    ["no body", 415, undefined, undefined],
    ["an image that is not in a form", 415, "image/png", "x"],
    ["a text", 415, "text/plain", "x"],
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
  ])("%s with %i", async (...[, status, type, body]) => {
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
      await postJson(`${server.url}/api/v1/compute`, { below: 10_000_000 }),
    );

    const job = await waitForJob(server, id, ({ progress }) => progress > 0);
    expect(job).toMatchObject({ id, state: "leased", attempt: 0 });
    expect(Object.keys(job)).toEqual(["id", "state", "progress", "attempt"]);

    const done = await waitForJob(server, id);
    expect(done).toMatchObject({ state: "done", progress: 1, result: { primes: 664_579 } });
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

/** A PNG of a few bytes that unpacks to gigabytes, by what its head says. */
function aPngOf(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const chunks = [pngChunk("IHDR", header), pngChunk("IDAT", deflateSync(Buffer.alloc(1_000)))];
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), ...chunks]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const chunk = Buffer.alloc(4 + typed.length + 4);
  chunk.writeUInt32BE(data.length, 0);
  chunk.set(typed, 4);
  chunk.writeUInt32BE(crc32(typed), 4 + typed.length);
  return chunk;
}
