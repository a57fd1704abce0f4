/**
 * Writes a photograph whose compression takes `targetMs` of CPU here, and answers the width that it
 * is to be compressed to. CPU time, because libvips works on threads of its own and what others run
 * meanwhile must not count; its median, because the work is real and has no time of an idle machine.
 */
import { readFileSync } from "node:fs";
import { compressImage } from "../../examples/media-api/image-compressor.ts";
import { writePhotograph } from "../../test/e2e/fixtures/photograph.ts";
import { countSetting, report, setting } from "../measure/probe.ts";
import { median } from "../statistics.ts";

/** Wide enough that the time goes with the area. */
const WIDTH = 2_400;
/** The compressed image's width, of that of the photograph. */
const SHARE = 0.8;
const QUALITY = 75;
const TRIES = 9;

const file = setting("file");
const width = Math.round(WIDTH * Math.sqrt(countSetting("targetMs") / (await cpuMs(WIDTH))));
report({ jobMs: await cpuMs(width), width: Math.round(width * SHARE) });

/** Leaves the photograph in the file. */
async function cpuMs(photographWidth: number): Promise<number> {
  await writePhotograph(file, photographWidth);
  const photograph = readFileSync(file);
  const order = { width: Math.round(photographWidth * SHARE), quality: QUALITY };
  const triesMs: number[] = [];
  for (let tries = 0; tries < TRIES; tries++) {
    const before = process.cpuUsage();
    await compressImage(photograph, order, () => undefined);
    const { user, system } = process.cpuUsage(before);
    triesMs.push((user + system) / 1_000);
  }
  return median(triesMs);
}
