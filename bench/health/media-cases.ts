/**
 * The media API, started as `npm start` starts it, beside its twin on piscina, which has everything
 * but the queue: undisturbed, and with `kill -9` in the middle. What the twin had accepted and not
 * done is then lost; only its health is compared.
 */
import { fileURLToPath } from "node:url";
import { always, ratio } from "../gate.ts";
import type { Bench, Case, Implementation } from "../suite.ts";

const JOB_MS = 200;
const UPLOADS_PER_S = 8;
const UPLOAD_COUNT = 200;
const UPLOAD_COUNT_TINY = 12;
/** A p99 of fewer is the worst few. */
const SAMPLES_MIN = 2_000;
/** As many as the media API takes on the machine that the gate was set on. */
const THREADS = 2;
/** A round takes 50 s for a case; thousands of samples are in each. */
const ROUNDS = 3;
const TWIN = "piscina twin";

export async function mediaCases(bench: Bench): Promise<readonly Case[]> {
  const photograph = `${bench.folder}/photograph.jpg`;
  const { width = 0, jobMs = 0 } = await bench.runProbe({
    script: new URL("calibrate-photograph.ts", import.meta.url),
    settings: { targetMs: JOB_MS, file: photograph },
  });
  const uploadCount = bench.isTiny ? UPLOAD_COUNT_TINY : UPLOAD_COUNT;
  const settings = { photograph, width, uploadCount, uploadsPerS: UPLOADS_PER_S, probeEveryMs: 10 };
  const load = `${uploadCount} uploads at ${UPLOADS_PER_S}/s, each ${jobMs.toFixed(0)} ms of sharp (to ${width} pixels); health checks from another process`;
  return [
    mediaCase("media-undisturbed", load, { ...settings, killAfter: 0 }),
    mediaCase("media-killed", `the same with kill -9 and a new start in the middle`, {
      ...settings,
      killAfter: uploadCount / 2,
    }),
  ];
}

function mediaCase(
  name: string,
  about: string,
  settings: Readonly<Record<string, string | number>>,
): Case {
  return {
    name,
    about,
    rounds: ROUNDS,
    measure: "p99Ms",
    better: "lower",
    columns: [
      { metric: "p50Ms", title: "p50 ms", digits: 2 },
      { metric: "p99Ms", title: "p99 ms", digits: 2 },
      { metric: "maxMs", title: "max ms", digits: 1 },
      { metric: "overSlowPercent", title: "% over 50 ms", digits: 1 },
      { metric: "doneCount", title: "jobs done", digits: 0 },
      { metric: "uploadCount", title: "of", digits: 0 },
      { metric: "downMs", title: "down ms", digits: 0 },
      { metric: "sampleCount", title: "samples", digits: 0 },
    ],
    implementations: implementations(settings),
    gates: [
      ratio({ of: "unjam", metric: "p99Ms" }, { atMost: 1.2 }, [TWIN]),
      always({ of: "unjam", metric: "lostCount" }, { atMost: 0 }),
      always({ of: "unjam", metric: "sampleCount" }, { atLeast: SAMPLES_MIN }),
    ],
  };
}

function implementations(
  settings: Readonly<Record<string, string | number>>,
): readonly Implementation[] {
  const script = new URL("media-driver.ts", import.meta.url);
  const ours = fileURLToPath(new URL("../../examples/media-api/server.ts", import.meta.url));
  const twins = fileURLToPath(new URL("piscina-media.ts", import.meta.url));
  return [
    {
      name: "unjam",
      role: "ours",
      durability: "power: upload and job fsynced before the ack",
      script,
      settings: { ...settings, server: ours, threads: 0 },
    },
    {
      name: TWIN,
      role: "peer",
      durability: "upload fsynced; job lost with the process",
      script,
      settings: { ...settings, server: twins, threads: THREADS },
    },
  ];
}
