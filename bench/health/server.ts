/**
 * The server under test: `POST /work` hands over CPU work, `GET /healthz` is a check as every
 * service has one. Tells its port by IPC and ends with its parent.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { countSetting, setting } from "../measure/probe.ts";
import type { OpenBackend } from "./backend.ts";

/** The default of 5 s fires late on a blocked loop and cuts requests that are on their way. */
const KEEP_ALIVE_MS = 120_000;

const BACKENDS: Readonly<Record<string, () => Promise<{ readonly openBackend: OpenBackend }>>> = {
  inline: () => import("./inline-backend.ts"),
  piscina: () => import("./piscina-backend.ts"),
  unjam: () => import("./unjam-backend.ts"),
};

const doneAt: number[] = [];
let failedCount = 0;
const module = await BACKENDS[setting("backend")]?.();
if (module === undefined) throw new Error(`no backend ${setting("backend")}`);
const backend = await module.openBackend({
  links: countSetting("links"),
  threads: countSetting("threads"),
  folder: setting("folder"),
  onDone: () => doneAt.push(monotonicMs()),
  onFailed: (error) => {
    failedCount++;
    process.stderr.write(`${String(error)}\n`);
  },
});

const loopDelay = monitorEventLoopDelay({ resolution: 1 });
loopDelay.enable();

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    response.statusCode = 500;
    response.end(String(error));
  });
});
server.keepAliveTimeout = KEEP_ALIVE_MS;
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.({ port: typeof address === "object" ? address?.port : undefined });
});
// The driver may be killed: its server must not outlive it.
process.on("disconnect", () => process.exit(0));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (url.pathname === "/healthz") {
    response.end("ok");
  } else if (url.pathname === "/work" && request.method === "POST") {
    request.resume();
    await backend.accept();
    response.statusCode = 202;
    response.end();
  } else if (url.pathname === "/figures") {
    response.end(JSON.stringify(figures(Number(url.searchParams.get("until")))));
  } else {
    response.statusCode = 404;
    response.end();
  }
}

/** `until` is an instant of the machine's monotonic clock, so it does not matter how late the question comes. */
function figures(until: number): Readonly<Record<string, number>> {
  return {
    doneCount: doneAt.filter((at) => at <= until).length,
    failedCount,
    loopDelayP99Ms: loopDelay.percentile(99) / 1e6,
    loopDelayMaxMs: loopDelay.max / 1e6,
  };
}
