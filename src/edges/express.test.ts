import { once } from "node:events";
import { createServer, get, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import express5, { type Express } from "express";
import { afterEach, describe, expect, it } from "vitest";
import { type App, open, task, UnjamError } from "../index.ts";
import { closeServer, unjamErrors, unjamHealth } from "./express.ts";

// The same function by another name: version 4 has no types here, and needs none for this.
const require = createRequire(import.meta.url);
const express4 = require("express4") as typeof express5;

const double = task("double", {}, async (input: number) => input * 2);
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function anApp(): Promise<App> {
  const app = await open({ store: "memory:", tasks: [double], runtime: "inline" });
  closing.push(() => app.close());
  return app;
}

async function listening(web: Express | Server): Promise<{ server: Server; url: string }> {
  const server = web.listen(0, "127.0.0.1");
  closing.push(
    () => new Promise((resolve) => server.closeAllConnections() ?? server.close(resolve)),
  );
  await once(server, "listening");
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

const FULL = new UnjamError("UNJAM_QUEUE_FULL", { queue: "images", capacity: 1, waitedMs: 1_000 });

describe.each([
  ["Express 5", express5],
  ["Express 4", express4],
])("with %s, unjamErrors", (_version, express) => {
  it("answers an UnjamError with its status, code, message, help and Retry-After", async () => {
    const web = express();
    web.get("/", (_request, _response, next) => next(FULL));
    web.use(unjamErrors({ retryAfterMs: 2_001 }));
    const { url } = await listening(web);

    const response = await fetch(url);

    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("3");
    expect(await response.json()).toEqual({
      error: "UNJAM_QUEUE_FULL",
      message: FULL.message,
      help: FULL.help,
    });
  });

  it("leaves other errors to the next error middleware", async () => {
    const web = express();
    web.get("/", (_request, _response, next) => next(new Error("not ours")));
    web.use(unjamErrors());
    // oxlint-disable-next-line max-params -- Express counts them.
    web.use(((error: Error, _request, response, _next) => {
      response.status(418).send(error.message);
    }) satisfies express5.ErrorRequestHandler);
    const { url } = await listening(web);

    const response = await fetch(url);

    expect([response.status, await response.text()]).toEqual([418, "not ours"]);
  });

  it("leaves an answer that has begun to Express, which cuts it", async () => {
    const web = express();
    web.set("env", "test");
    web.get("/", (_request, response, next) => {
      response.write("half of");
      next(FULL);
    });
    web.use(unjamErrors());
    const { url } = await listening(web);

    await expect(fetch(url).then((response) => response.text())).rejects.toThrow(TypeError);
  });

  it("is joined by a health route", async () => {
    const web = express();
    web.get("/", unjamHealth());
    const { url } = await listening(web);

    expect(await (await fetch(url)).json()).toEqual({ status: "ok" });
  });
});

describe("unjamErrors", () => {
  it("sees what an async route of Express 5 throws", async () => {
    const web = express5();
    web.get("/", async () => {
      throw FULL;
    });
    web.use(unjamErrors());
    const { url } = await listening(web);

    expect((await fetch(url)).status).toBe(503);
  });

  it("refuses an option it does not know", () => {
    expect(() => unjamErrors({ retryAfter: 1 } as object)).toThrow(
      expect.objectContaining({ code: "UNJAM_UNKNOWN_OPTION" }),
    );
  });
});

describe("closeServer", () => {
  it("lets requests under way finish, with the app, before it closes both", async () => {
    const app = await anApp();
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
    const { promise: gate, resolve: leave } = Promise.withResolvers<void>();
    const web = express5();
    web.get("/", async (_request, response) => {
      enter();
      await gate;
      response.json(await (await app.enqueue(double, 4)).result());
    });
    const { server, url } = await listening(web);

    const answered = fetch(url);
    await entered;
    const closed = closeServer(server, app);
    leave();

    expect(await (await answered).json()).toBe(8);
    await closed;
    expect(server.listening).toBe(false);
    await expect(app.enqueue(double, 1)).rejects.toMatchObject({ code: "UNJAM_CLOSED" });
  });

  it("cuts a request that does not end, and closes the app all the same", async () => {
    const app = await anApp();
    const { server, url } = await listening(createServer(() => undefined));
    const requested = once(server, "request");
    const cut = once(get(url), "error");
    await requested;

    await closeServer(server, app, { graceMs: 100 });

    expect(await cut).toMatchObject([{ code: "ECONNRESET" }]);
    await expect(app.enqueue(double, 1)).rejects.toMatchObject({ code: "UNJAM_CLOSED" });
  });

  it("does not wait for a connection that was upgraded", async () => {
    const app = await anApp();
    const { server, url } = await listening(createServer());
    const upgraded = once(server, "upgrade");
    const client = get(url, { headers: { connection: "upgrade", upgrade: "echo" } });
    const gone = once(client, "error");
    const [, socket] = (await upgraded) as [unknown, { destroy(): void }];

    await closeServer(server, app, { graceMs: 100 });

    socket.destroy();
    expect(await gone).toHaveLength(1);
  });

  it("does no harm to a server that never listened, nor when called twice", async () => {
    const app = await anApp();
    const server = createServer();

    await closeServer(server, app);
    await closeServer(server, app);

    await expect(app.enqueue(double, 1)).rejects.toMatchObject({ code: "UNJAM_CLOSED" });
  });
});
