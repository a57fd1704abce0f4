// What must work on every supported Node: run by CI in a project that has only the tarball.
import { createRequire } from "node:module";
import { isUnjamError, open, task } from "unjam";

const double = task("double", {}, async ({ n }) => n * 2);

for (const store of ["memory:", "sqlite:smoke.db"]) {
  const app = await open({ store, tasks: [double] });
  try {
    const job = await app.enqueue(double, { n: 21 });
    const result = await job.result({ waitMs: 10_000 });
    console.log(store, result);
  } finally {
    await app.close();
  }
}

try {
  task("double", { timeout: 1 }, async () => {});
} catch (error) {
  console.log(isUnjamError(error, "UNJAM_UNKNOWN_OPTION"));
}

console.log(createRequire(import.meta.url)("unjam").open === open);
