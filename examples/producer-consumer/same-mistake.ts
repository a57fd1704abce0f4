/** The mistake of broken.ts with a JoinableQueue: join() ends, and names the line that is held. */
import { isUnjamError, JoinableQueue } from "unjam/sync";
import { levelOf, LOG_FILES } from "./log-files.ts";

const lines = new JoinableQueue<string>({ name: "lines", diagnostics: "full" });

async function consume(): Promise<never> {
  for (;;) {
    const lease = await lines.get();
    const level = await levelOf(lease.value).catch(() => undefined);
    if (level === undefined) continue;
    lease.done();
  }
}

for (let n = 0; n < 3; n++) consume().catch(() => undefined);
for (const line of LOG_FILES.flat()) await lines.put(line);

try {
  await lines.join({ waitMs: 1_000 });
} catch (error) {
  if (!isUnjamError(error, "UNJAM_JOIN_TIMEOUT")) throw error;
  console.error(`${error.code}: ${error.message}`);
  for (const { task, holder, sinceMs, site } of error.details.unfinished) {
    console.error(`  ${task}: held by ${holder} for ${sinceMs} ms, taken at ${site}`);
  }
  process.exit(error.exitCode);
}
