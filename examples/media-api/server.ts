/**
 * A media API that answers at once and works in the background. Start it with `npm start`; README.md
 * beside this file says what it does.
 */
import { readdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { type App, isUnjamError, open } from "unjam";
import { hasSystemCode, isSystemError } from "./system-error.ts";
import { invitation } from "./invitation.ts";
import { makeMediaServer } from "./media-server.ts";
import { MediaStore } from "./media-store.ts";
import { lowerPoolPriority } from "./pool-priority.ts";
import { readSettings, SettingError, type Settings } from "./settings.ts";

/** sharp works on libuv's pool of four threads; one of them is left to the disk. */
const THREADS_MAX = 3;
const SWEEP_MS = 3_600_000;

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const media = new MediaStore(settings.dataFolder);
  await prepareFolders(settings, media);
  lowerPoolPriority();
  const app = await openApp(settings);
  const server = await makeMediaServer(app, media, settings);
  closeOnSignals(server);
  sweepAtTimes(app, media);
  try {
    const url = await server.listen({ host: "127.0.0.1", port: settings.port });
    console.log(await invitation(url, app, settings));
  } catch (error) {
    await server.close();
    throw error;
  }
}

async function prepareFolders(settings: Settings, media: MediaStore): Promise<void> {
  let name = "DATA_DIR";
  try {
    await media.prepare();
    name = "MEDIA_DIR";
    await readdir(settings.mediaFolder);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new SettingError(`${name}: ${error.message}`);
  }
}

function openApp({ dataFolder, queueCapacity: capacity }: Settings): Promise<App> {
  return open({
    store: `sqlite:${join(dataFolder, "jobs.db")}`,
    tasks: new URL("./tasks.ts", import.meta.url),
    work: { threads: Math.min(availableParallelism(), THREADS_MAX) },
    queues: { images: { capacity }, compute: { capacity } },
  });
}

/** A second signal changes nothing: npm passes on the Ctrl-C that the terminal has sent already. */
function closeOnSignals(server: FastifyInstance): void {
  let isClosing = false;
  const close = (signal: NodeJS.Signals): void => {
    if (isClosing) return;
    isClosing = true;
    console.log(`${signal}: finishing what is under way`);
    server.close().then(() => console.log("closed; waiting jobs go on at the next start"), fail);
  };
  process.on("SIGTERM", close).on("SIGINT", close);
}

/** Files live as long as their jobs: a day when done, 30 when dead. */
function sweepAtTimes(app: App, media: MediaStore): void {
  const isKnown = async (id: string): Promise<boolean> => {
    try {
      await app.job(id).status();
      return true;
    } catch (error) {
      if (isUnjamError(error, "UNJAM_JOB_UNKNOWN")) return false;
      throw error;
    }
  };
  const sweep = (): void => {
    // The disk or the store may be in trouble for a while; the next round comes by itself.
    media.sweep(isKnown).catch((error: unknown) => console.error("sweep:", error));
  };
  sweep();
  setInterval(sweep, SWEEP_MS).unref();
}

/** What the user can mend is said in a line; only a bug shows its stack. */
function fail(error: unknown): void {
  process.exitCode = isUnjamError(error) ? error.exitCode : 1;
  if (isUnjamError(error)) console.error(`${error.code}: ${error.message}\n${error.help}`);
  else if (hasSystemCode(error, "EADDRINUSE")) console.error(`${error.message}; set another PORT`);
  else if (error instanceof SettingError) console.error(error.message);
  else console.error(error);
}

main().catch(fail);
