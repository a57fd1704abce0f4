import type { App } from "../../../client/app.ts";
import { consumerCount, type Workforce, workforceOf } from "../consumers.ts";
import { showDuration } from "../flag-value.ts";
import { usualTaskModule } from "../task-module.ts";
import { bad, type Check, ok, warning } from "./check.ts";

type Queue = Awaited<ReturnType<App["queues"]>>[number];

/** Enough to meet several pages, and little even with payloads of the largest size. */
const JOBS_READ = 100;
/** Clocks of processes on one machine are one clock; more than this apart, it was moved. */
const CLOCK_STEP_MS_MAX = 1_000;
/** Losses that are older than this are history. */
const GONE_MS_MAX = 3_600_000;
/** What the shutdown writes when a worker leaves in order. */
const CLEAN_GOODBYE = "it was closed";

const DURABILITY = {
  power: "an acknowledged job survives a power cut (WAL, synchronous=FULL, set and read back)",
  process: "an acknowledged job survives the end of its process, not a power cut",
  memory: "nothing survives the end of the process",
} as const;

/** How opening went: how long it took, and what the runtime has complained about since. */
export interface Opening {
  readonly openMs: number;
  readonly troubles: readonly string[];
}

/**
 * What an open store says about itself and those who work on it.
 * @throws UNJAM_STORE_… when it cannot be read
 */
export async function storeChecks(
  app: App,
  { openMs, troubles }: Opening,
): Promise<readonly Check[]> {
  const since = performance.now();
  const [{ place, durability }, queues] = await Promise.all([app.store(), app.queues()]);
  // Damage in the jobs' own pages shows only where jobs are read.
  await app.jobs({ limit: JOBS_READ });
  const readMs = performance.now() - since;
  const workforce = await workforceOf(app);
  const found = `${place}, opened in ${openMs.toFixed(0)} ms, read in ${readMs.toFixed(1)} ms`;
  const [trouble] = troubles;
  return [
    trouble === undefined
      ? ok("store", found)
      : bad("store", `${found}, but ${trouble}`, "keep a copy of the file, and look at its disk"),
    durability === "power"
      ? ok("durability", `${durability}: ${DURABILITY[durability]}`)
      : warning("durability", `${durability}: ${DURABILITY[durability]}`, "use sqlite:<path>"),
    checkClock(workforce),
    checkWorkers(workforce),
    checkQueues(queues, workforce),
  ];
}

/** A worker that joined in the future shows that the wall clock went back since. */
function checkClock({ alive, silent, gone }: Workforce): Check {
  const now = Date.now();
  const aheadMs = Math.max(
    0,
    ...[...alive, ...silent, ...gone].map(({ joinedAt }) => joinedAt - now),
  );
  if (aheadMs <= CLOCK_STEP_MS_MAX)
    return ok("clock", `${new Date(now).toISOString()}, no step back seen`);
  const found = `a worker joined ${showDuration(aheadMs)} in the future: the clock was set back`;
  return warning("clock", found, "let NTP set it; delayed jobs start by the wall clock");
}

function checkWorkers({ alive, silent, gone }: Workforce): Check {
  const lost = gone.filter(
    ({ leftAt, reason }) =>
      reason !== CLEAN_GOODBYE && leftAt !== null && Date.now() - leftAt < GONE_MS_MAX,
  );
  const living = `${alive.length} alive${alive.length === 0 ? "" : ` (${alive.map(({ label }) => label).join(", ")})`}`;
  const [mute] = silent;
  if (mute !== undefined) {
    const found = `${living}, ${silent.length} without a beat: ${mute.label} for ${showDuration(mute.silentMs)}`;
    return warning("workers", found, `look whether process ${mute.pid} is stopped or stuck`);
  }
  const [last] = lost;
  if (last === undefined) return ok("workers", living);
  const agoMs = Date.now() - (last.leftAt ?? 0);
  const found = `${living}, ${lost.length} lost in the last hour: ${last.label} ${showDuration(agoMs)} ago, ${last.reason ?? "no reason known"}`;
  return warning("workers", found, "its jobs were given to others; see why the process ended");
}

function checkQueues(queues: readonly Queue[], workforce: Workforce): Check {
  const waiting = queues.reduce((sum, { counts }) => sum + counts.ready, 0);
  const dead = queues.reduce((sum, { counts }) => sum + counts.dead, 0);
  const found = `${queues.length} ${queues.length === 1 ? "queue" : "queues"}, ${waiting} waiting, ${dead} dead`;
  const unheard = queues.find(
    ({ name, paused, counts }) =>
      !paused && counts.ready > 0 && consumerCount(workforce, name) === 0,
  );
  if (unheard === undefined) return ok("queues", found);
  return warning(
    "queues",
    `${found}; ${unheard.counts.ready} wait in "${unheard.name}" and nobody listens`,
    `unjam worker --tasks ${usualTaskModule()} --queues ${unheard.name}`,
  );
}
