import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

/**
 * A process whose main thread is stuck in a named function while a thread of it asks where it is.
 * The thread asks once the file STUCK is there, which `body` makes when it cannot go on any more.
 */
async function askOf(body: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "unjam-probe-"));
  const probe = fileURLToPath(new URL("./main-probe.ts", import.meta.url));
  const thread = `
    const { parentPort } = require("node:worker_threads");
    const { existsSync, writeSync } = require("node:fs");
    import(${JSON.stringify(probe)}).then(({ probeMain }) => {
      while (!existsSync(process.env.STUCK));
      return probeMain("new Error().stack", 200);
    }).then((answer) => {
      writeSync(1, JSON.stringify(answer));
      process.kill(process.pid, "SIGKILL");
    });`;
  const main = `
    const { Worker } = require("node:worker_threads");
    new Worker(${JSON.stringify(thread)}, { eval: true }).on("online", () => setImmediate(stuck));
    function stuck() { ${body} }`;
  const child = spawn(process.execPath, ["-e", main], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, STUCK: join(folder, "stuck") },
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await once(child, "close");
  rmSync(folder, { recursive: true });
  return output;
}

it("finds the function in which the main thread spins", async () => {
  const answer = await askOf('require("node:fs").writeFileSync(process.env.STUCK, ""); for (;;);');

  expect(answer).toMatch(/at .*stuck/);
});

it("says that a main thread in native code does not answer", async () => {
  const answer = await askOf('require("node:child_process").execSync("touch $STUCK; sleep 5");');

  expect(JSON.parse(answer)).toEqual({ kind: "silent" });
});
