import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { open } from "../../src/index.ts";
import { HttpService } from "./http-service.ts";
import { resize } from "./image-resizer-tasks.ts";
import { readPicture, writePicture } from "./picture.ts";
import { quietLogger } from "./quiet-logger.ts";
import { SystemFolder } from "./system-folder.ts";

const PICTURES = 60;
const isCorrupt = (n: number): boolean => n % 6 === 3;
const CORRUPT = Array.from({ length: PICTURES }, (_, n) => n).filter(isCorrupt).length;
const [WIDTH, HEIGHT] = [320, 200];

/** A surge of pictures, some of them cut off in the middle, and a server that says how it is. */
async function aSurge() {
  const folder = await SystemFolder.make();
  const pixels = new Uint8Array(WIDTH * HEIGHT * 3).fill(200);
  const whole = writePicture({ width: WIDTH, height: HEIGHT, pixels });
  const orders = Array.from({ length: PICTURES }, (_, n) => ({
    from: folder.file(`${n}.ppm`),
    to: folder.file(`${n}-small.ppm`),
  }));
  for (const [n, { from }] of orders.entries()) {
    await writeFile(from, isCorrupt(n) ? whole.subarray(0, whole.length / 2) : whole);
  }
  const app = await open({
    store: folder.store,
    tasks: new URL("./image-resizer-tasks.ts", import.meta.url),
    work: { threads: 2 },
    logger: quietLogger,
  });
  const server = await HttpService.start(() => ({ status: 200, body: { status: "ok" } }));
  const dispose = async (): Promise<void> => {
    await server[Symbol.asyncDispose]();
    await app.close({ graceMs: 0 });
    await folder[Symbol.asyncDispose]();
  };
  return { app, server, orders, [Symbol.asyncDispose]: dispose };
}

describe("the image resizer under a surge with corrupt images", () => {
  it("makes every good image, and puts each corrupt one into the dead letters with its error", async () => {
    await using surge = await aSurge();
    await surge.app.enqueueMany(resize, surge.orders);

    await surge.app.join({ waitMs: 60_000 });

    const dead = await surge.app.jobs({ state: "dead" });
    expect(new Set(dead.map(({ error }) => error?.message))).toEqual(
      new Set([`it has 95992 of its 192000 bytes`]),
    );
    expect(dead.every(({ attempt }) => attempt === 2)).toBe(true);
    const made = await Promise.all(
      surge.orders.filter((_, n) => !isCorrupt(n)).map(({ to }) => readFile(to)),
    );
    expect(made.map((file) => readPicture(file).width)).toEqual(
      Array<number>(PICTURES - CORRUPT).fill(WIDTH / 2),
    );
  });

  it("has the right counters in the end: nothing is left over and nothing is counted twice", async () => {
    await using surge = await aSurge();
    await surge.app.enqueueMany(resize, surge.orders);

    const joined = await surge.app.join({ waitMs: 60_000 });

    expect(joined).toMatchObject({ done: PICTURES - CORRUPT, failed: CORRUPT });
    expect(await surge.app.queues()).toMatchObject([
      {
        name: "images",
        counts: { ready: 0, scheduled: 0, leased: 0, done: PICTURES - CORRUPT, dead: CORRUPT },
        doneTotal: PICTURES - CORRUPT,
        failedTotal: CORRUPT,
      },
    ]);
  });

  it("fails no health check, although the queue does not drain for a while", async () => {
    await using surge = await aSurge();
    const answers = new Set<number>();
    const progress = { isOver: false };

    await surge.app.enqueueMany(resize, surge.orders);
    const joined = surge.app.join({ waitMs: 60_000 }).finally(() => {
      progress.isOver = true;
    });
    while (!progress.isOver) answers.add((await fetch(surge.server.url)).status);
    await joined;

    expect([...answers]).toEqual([200]);
  });

  it.todo(
    "is not restarted by a small kubelet that asks /livez, which restarts the naive one N times",
  );
});
