import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { outsideEnvironment } from "../../scripts/packed-project.ts";

const BIN = fileURLToPath(new URL("../../bin/unjam.js", import.meta.url));
const EXTRA_MS_MAX = 60;
const ROUNDS = 12;

function startMs(line: readonly string[]): number {
  const since = performance.now();
  const { status } = spawnSync(process.execPath, line, { env: outsideEnvironment() });
  expect(status).toBe(0);
  return performance.now() - since;
}

it(`--help takes less than ${EXTRA_MS_MAX} ms more than starting Node`, () => {
  // The fastest of several, taken in turns: what a busy machine adds is not the command's.
  const bare: number[] = [];
  const help: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(startMs(["-e", "0"]));
    help.push(startMs([BIN, "--help"]));
  }

  expect(Math.min(...help) - Math.min(...bare)).toBeLessThan(EXTRA_MS_MAX);
});
