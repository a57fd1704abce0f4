/**
 * Writes a photograph whose compression takes `targetMs` of one core here: by the fastest of a few
 * tries, as an idle machine would. Answers the width that it is to be compressed to.
 */
import { readFileSync } from "node:fs";
import { compressImage } from "../../examples/media-api/image-compressor.ts";
import { writePhotograph } from "../../test/e2e/fixtures/photograph.ts";
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { countSetting, report, setting } from "../measure/probe.ts";

/** Wide enough that the time goes with the area. */
const WIDTH = 2_400;
/** The compressed image's width, of that of the photograph. */
const SHARE = 0.8;
const QUALITY = 75;
const TRIES = 7;

const file = setting("file");
await writePhotograph(file, WIDTH);
const fastestMs = await fastest(WIDTH);
const width = Math.round(WIDTH * Math.sqrt(countSetting("targetMs") / fastestMs));
await writePhotograph(file, width);
report({ width: Math.round(width * SHARE), jobMs: await fastest(width) });

async function fastest(photographWidth: number): Promise<number> {
  const photograph = readFileSync(file);
  const order = { width: Math.round(photographWidth * SHARE), quality: QUALITY };
  const triesMs: number[] = [];
  for (let tries = 0; tries <= TRIES; tries++) {
    const startedAt = monotonicMs();
    await compressImage(photograph, order, () => undefined);
    triesMs.push(monotonicMs() - startedAt);
  }
  return Math.min(...triesMs);
}
