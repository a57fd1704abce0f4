import { once } from "node:events";
import { get } from "node:http";
import Fastify, { type FastifyInstance } from "fastify";
import { afterEach, describe, expect, it } from "vitest";
import { type App, isUnjamError, open, task, UnjamError } from "../index.ts";
import { unjamFastify, type UnjamFastifyOptions } from "./fastify.ts";

const double = task("double", {}, async (input: number) => input * 2);
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function anApp(options: Parameters<typeof open>[0] = {}): Promise<App> {
  const app = await open({ store: "memory:", tasks: [double], runtime: "inline", ...options });
  closing.push(() => app.close());
  return app;
}

async function aServer(
  options: Partial<UnjamFastifyOptions> = {},
  addRoutes: (server: FastifyInstance) => void = () => undefined,
): Promise<FastifyInstance> {
  const server = Fastify();
  closing.push(() => server.close());
  await server.register(unjamFastify, { app: options.app ?? (await anApp()), ...options });
  addRoutes(server);
  await server.ready();
  return server;
}

function throwing(error: Error): (server: FastifyInstance) => void {
  return (server) =>
    server.get("/", async () => {
      throw error;
    });
}

const FULL = new UnjamError("UNJAM_QUEUE_FULL", { queue: "images", capacity: 1, waitedMs: 1_000 });

describe("unjamFastify", () => {
  it("puts the app on the instance that it is registered on", async () => {
    const server = await aServer({}, (instance) => {
      instance.get("/", async () => (await instance.unjam.enqueue(double, 21)).result());
    });

    const response = await server.inject("/");

    expect(response.json()).toBe(42);
  });

  it("closes the app with the server", async () => {
    const app = await anApp();
    const server = await aServer({ app });

    await server.close();

    await expect(app.enqueue(double, 1)).rejects.toMatchObject({ code: "UNJAM_CLOSED" });
  });

  it("lets requests that are under way use the app while the server closes", async () => {
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
    const { promise: gate, resolve: leave } = Promise.withResolvers<void>();
    const server = await aServer({}, (instance) => {
      instance.get("/", async () => {
        enter();
        await gate;
        return (await instance.unjam.enqueue(double, 4)).result();
      });
    });
    const url = await server.listen({ port: 0, host: "127.0.0.1" });

    const answered = fetch(url);
    await entered;
    const closed = server.close();
    leave();

    expect(await (await answered).json()).toBe(8);
    await closed;
  });

  it("cuts a request that does not end, and closes the app all the same", async () => {
    const app = await anApp();
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
    const server = await aServer({ app, graceMs: 100 }, (instance) => {
      instance.get("/", () => {
        enter();
        return new Promise(() => undefined);
      });
    });
    const cut = once(get(await server.listen({ port: 0, host: "127.0.0.1" })), "error");
    await entered;

    await server.close();

    expect(await cut).toMatchObject([{ code: "ECONNRESET" }]);
    await expect(app.enqueue(double, 1)).rejects.toMatchObject({ code: "UNJAM_CLOSED" });
  });

  it("answers an UnjamError with its status, code, message and help", async () => {
    const error = new UnjamError("UNJAM_JOB_UNKNOWN", { id: "j_1" });
    const server = await aServer({}, throwing(error));

    const response = await server.inject("/");

    expect(response.statusCode).toBe(404);
    expect(response.headers).not.toHaveProperty("retry-after");
    expect(response.json()).toEqual({
      error: "UNJAM_JOB_UNKNOWN",
      message: error.message,
      help: error.help,
    });
  });

  it("says on a 503 when to come back, in whole seconds", async () => {
    const server = await aServer({ retryAfterMs: 1_500 }, throwing(FULL));

    const response = await server.inject("/");

    expect(response.statusCode).toBe(503);
    expect(response.headers["retry-after"]).toBe("2");
    expect(response.json()).toMatchObject({ error: "UNJAM_QUEUE_FULL" });
  });

  it("answers the error of a queue that is really full", async () => {
    const app = await anApp({ tasks: [], queues: { default: { capacity: 1 } } });
    const nobody = task("nobody");
    await app.enqueue(nobody, 1);
    const server = await aServer({ app }, (instance) => {
      instance.get("/", () => app.enqueue(nobody, 2, { waitMs: 1 }));
    });

    const response = await server.inject("/");

    expect(response.statusCode).toBe(503);
    expect(response.json()).toMatchObject({ error: "UNJAM_NO_CONSUMER" });
  });

  it("leaves other errors to Fastify", async () => {
    const teapot = Object.assign(new Error("short and stout"), { statusCode: 418 });
    const server = await aServer({}, throwing(teapot));

    const response = await server.inject("/");

    expect(response.statusCode).toBe(418);
    expect(response.json()).toEqual({
      statusCode: 418,
      error: "I'm a Teapot",
      message: "short and stout",
    });
  });

  it("leaves other errors to the handler that was set before it", async () => {
    const server = Fastify();
    closing.push(() => server.close());
    server.setErrorHandler((_error, _request, reply) => reply.code(418).send("mine"));
    await server.register(async (scope) => {
      await scope.register(unjamFastify, { app: await anApp() });
      throwing(new Error("not ours"))(scope);
    });

    const response = await server.inject("/");

    expect(response.body).toBe("mine");
  });

  it("sets no error handler when told so", async () => {
    const server = await aServer({ errors: false }, (instance) => {
      instance.setErrorHandler((error, _request, reply) =>
        reply.code(isUnjamError(error) ? error.httpStatus : 500).send("mine"),
      );
      throwing(FULL)(instance);
    });

    const response = await server.inject("/");

    expect([response.statusCode, response.body]).toEqual([503, "mine"]);
  });

  it("answers health on the path it was given, whatever the app does", async () => {
    const app = await anApp();
    const server = await aServer({ app, healthPath: "/healthz" });
    await app.close();

    const response = await server.inject("/healthz");

    expect([response.statusCode, response.json()]).toEqual([200, { status: "ok" }]);
  });

  it("has no health route unless asked", async () => {
    const server = await aServer();

    expect((await server.inject("/healthz")).statusCode).toBe(404);
  });

  it.each([
    ["an app that is none", { app: {} }, "UNJAM_INVALID_OPTION"],
    ["a path without its slash", { healthPath: "healthz" }, "UNJAM_INVALID_OPTION"],
    ["a grace in words", { graceMs: "25s" }, "UNJAM_INVALID_OPTION"],
    ["an option it does not know", { prefix: "/api" }, "UNJAM_UNKNOWN_OPTION"],
  ])("refuses %s", async (_what, options, code) => {
    const app = await anApp();
    const server = Fastify();
    closing.push(() => server.close());

    const registered = server.register(unjamFastify, { app, ...options } as UnjamFastifyOptions);

    await expect(Promise.resolve(registered)).rejects.toMatchObject({ code });
  });
});
