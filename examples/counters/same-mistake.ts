/** The mistake of broken.ts with a Mutex: one move is refused and told why, the other goes on. */
import { isUnjamError, Mutex } from "unjam/sync";
import { pause } from "./pause.ts";

const L1 = new Mutex({ name: "L1" });
const L2 = new Mutex({ name: "L2" });

function deposit(): Promise<string> {
  return L1.run(async () => {
    await pause();
    return L2.run(() => "deposited");
  });
}

function withdraw(): Promise<string> {
  return L2.run(async () => {
    await pause();
    return L1.run(() => "withdrawn");
  });
}

for (const move of await Promise.allSettled([deposit(), withdraw()])) {
  if (move.status === "fulfilled") console.log(move.value);
  else if (!isUnjamError(move.reason, "UNJAM_DEADLOCK")) throw move.reason;
  else {
    const { code, details, exitCode } = move.reason;
    console.error(`${code}: this wait would never end`);
    for (const { flow, holds, holdSite, waitsFor, waitSite } of details.cycle) {
      console.error(`  ${flow} holds ${holds} (${holdSite}), waits for ${waitsFor} (${waitSite})`);
    }
    process.exitCode = exitCode;
  }
}
