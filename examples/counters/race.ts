/** Two writers and no lock: an await between reading and writing loses updates. */
import { pause } from "./pause.ts";

const WRITERS = 2;
const INCREMENTS = 1_000;

let hits = 0;

async function write(): Promise<void> {
  for (let n = 0; n < INCREMENTS; n++) {
    const before = hits;
    await pause();
    hits = before + 1; // what the other has written meanwhile is gone
  }
}

await Promise.all(Array.from({ length: WRITERS }, write));
const wanted = WRITERS * INCREMENTS;
console.log(`counted ${hits} of ${wanted}: ${wanted - hits} updates are lost`);
process.exitCode = hits === wanted ? 0 : 1;
