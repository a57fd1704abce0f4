import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { App } from "unjam";
import type { Settings } from "./settings.ts";

/** What the server prints when it is ready: where things are, and what to try. */
export async function invitation(url: string, app: App, settings: Settings): Promise<string> {
  const { durability } = await app.store();
  const queues = await app.queues();
  const left = queues.reduce(
    (sum, { counts }) => sum + counts.ready + counts.leased + counts.scheduled,
    0,
  );
  const harbour = relative(
    process.cwd(),
    fileURLToPath(new URL("samples/harbour.jpg", import.meta.url)),
  );
  const broken = harbour.replace("harbour.jpg", "broken.jpg");
  return `media API listening on ${url} (pid ${process.pid})
data in ${settings.dataFolder}: jobs.db (an answer of 202 survives ${SURVIVES[durability]}), uploads, images${
    left === 0 ? "" : `\n${left} unfinished jobs from before go on now`
  }

Try, in another terminal:
  curl -F file=@${quoted(harbour)} -F width=320 ${url}/api/v1/media/process
  curl -H content-type:application/json -d '{"path":"meadow.png","quality":60}' ${url}/api/v1/media/process
  curl ${url}/api/v1/jobs/ID            # the id from the answers above
  curl -fo small.webp ${url}/api/v1/media/ID    # 404 until it is done
  curl -F file=@${quoted(broken)} ${url}/api/v1/media/process    # accepted; its job is soon dead, and says why
  curl -H content-type:application/json -d '{"below":5000000}' ${url}/api/v1/compute    # seconds of pure CPU …
  curl ${url}/api/v1/health             # … and this still answers in milliseconds
  kill -9 ${process.pid}    # then start it again: jobs that were accepted are done`;
}

const SURVIVES = {
  memory: "nothing",
  process: "a crash of this process",
  power: "kill -9, and a power cut on a disk that honours fsync",
} as const;

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
