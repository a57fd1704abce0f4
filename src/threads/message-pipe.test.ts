import { duplexPair } from "node:stream";
import { serialize } from "node:v8";
import { describe, expect, it } from "vitest";
import { PIPE_MESSAGE_BYTES_MAX } from "../core/limits.ts";
import { MessagePipe } from "./message-pipe.ts";

/** One end as a pipe that notes what it hears, and the other as bytes. */
function anEnd() {
  const [near, far] = duplexPair();
  const pipe = new MessagePipe<unknown, unknown>(near);
  const heard: unknown[] = [];
  pipe.onMessage((message) => heard.push(message));
  return { pipe, far, heard };
}

function framed(message: unknown): Buffer {
  const body = serialize(message);
  const head = Buffer.alloc(4);
  head.writeUInt32LE(body.byteLength);
  return Buffer.concat([head, body]);
}

/** Resolves when all that was written before has been read. */
async function writeAll(far: ReturnType<typeof anEnd>["far"], parts: readonly Buffer[]) {
  for (const part of parts) {
    await new Promise<void>((resolve) => {
      far.write(part, () => resolve());
    });
  }
}

const MESSAGES = [{ type: "ready" }, "text", null, [1, new Map([[1, new Date(0)]])], 7n];

describe("a message pipe", () => {
  it("carries messages both ways, in order", async () => {
    const [near, far] = duplexPair();
    const [left, right] = [new MessagePipe(near), new MessagePipe(far)];
    const answered = new Promise<unknown[]>((resolve) => {
      const heard: unknown[] = [];
      left.onMessage((message) => {
        if (heard.push(message) === MESSAGES.length) resolve(heard);
      });
    });
    right.onMessage((message) => right.send(message));

    for (const message of MESSAGES) left.send(message);

    expect(await answered).toEqual(MESSAGES);
  });

  it.each([1, 2, 3, 4, 5, 7, 1_000_000])(
    "puts messages together that come in pieces of %d bytes",
    async (size) => {
      const { far, heard } = anEnd();
      const bytes = Buffer.concat(MESSAGES.map(framed));
      const pieces = Array.from({ length: Math.ceil(bytes.byteLength / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      );

      await writeAll(far, pieces);

      expect(heard).toEqual(MESSAGES);
    },
  );

  it("carries a message of many chunks", async () => {
    const { far, heard } = anEnd();
    const text = "x".repeat(1_000_000);
    const bytes = framed(text);
    const pieces = Array.from({ length: 16 }, (_, index) =>
      bytes.subarray(index * 65_536, (index + 1) * 65_536),
    );

    await writeAll(far, pieces);

    expect(heard).toEqual([text]);
  });

  it("keeps what comes before somebody listens", async () => {
    const [near, far] = duplexPair();
    const pipe = new MessagePipe(near);
    await writeAll(far, MESSAGES.map(framed));
    const heard: unknown[] = [];

    pipe.onMessage((message) => heard.push(message));

    expect(heard).toEqual(MESSAGES);
  });

  it.each([
    ["no message", Buffer.from("\u0004\0\0\0rubbish")],
    ["an empty one", Buffer.alloc(4)],
    ["one that would be too long", Buffer.from("rubbish")],
  ])("hears what came before %s, then closes and says why", async (_what, rubbish) => {
    const { pipe, far, heard } = anEnd();

    far.write(Buffer.concat([framed("before"), rubbish]));
    await pipe.closed;

    expect(heard).toEqual(["before"]);
    expect(pipe.fault).toMatch(/^what it says cannot be read: /);
  });

  it("has no fault when the other end hangs up in the middle of a message", async () => {
    const { pipe, far, heard } = anEnd();

    far.end(framed("cut").subarray(0, 6));
    pipe.close();
    await pipe.closed;

    expect(heard).toEqual([]);
    expect(pipe.fault).toBeUndefined();
  });

  it.each([
    ["a function", () => 1],
    ["more than is allowed", Buffer.alloc(PIPE_MESSAGE_BYTES_MAX)],
  ])("refuses to send %s, and goes on", async (_what, message) => {
    const { pipe, far } = anEnd();
    const sent: Buffer[] = [];
    far.on("data", (chunk: Buffer) => sent.push(chunk));

    expect(() => pipe.send(message)).toThrow();
    pipe.send("after");
    await new Promise((resolve) => {
      setImmediate(resolve);
    });

    expect(Buffer.concat(sent)).toEqual(framed("after"));
  });

  it("sends nothing more once it is closed, and closes twice without harm", async () => {
    const { pipe } = anEnd();
    pipe.close();
    await pipe.closed;

    pipe.send("late");
    pipe.close();

    expect(pipe.fault).toBeUndefined();
  });
});
