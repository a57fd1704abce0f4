/**
 * Writes docs/reference/ from the tables of src/core. A test fails when somebody changed one side
 * only; the answer is `npm run reference`.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { errorsPage } from "./reference/errors-page.ts";
import { jobStatesPage } from "./reference/job-states-page.ts";
import { limitsPage } from "./reference/limits-page.ts";
import { optionsPage } from "./reference/options-page.ts";
import type { ReferencePage } from "./reference/page.ts";

export function referencePages(): readonly ReferencePage[] {
  return [errorsPage(), optionsPage(), jobStatesPage(), limitsPage()];
}

if (import.meta.main) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  for (const { path, text } of referencePages()) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    console.log(`wrote ${path}`);
  }
}
