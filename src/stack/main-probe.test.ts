import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

/** A process whose main thread spins in a named function while a thread of it asks where it is. */
async function askOf(body: string): Promise<string> {
  const probe = fileURLToPath(new URL("./main-probe.ts", import.meta.url));
  const thread = `
    const { parentPort } = require("node:worker_threads");
    const { writeSync } = require("node:fs");
    import(${JSON.stringify(probe)}).then(({ probeMain }) =>
      probeMain("new Error().stack", 200).then((answer) => {
        writeSync(1, JSON.stringify(answer));
        process.kill(process.pid, "SIGKILL");
      }));`;
  const main = `
    const { Worker } = require("node:worker_threads");
    new Worker(${JSON.stringify(thread)}, { eval: true }).on("online", () => setImmediate(stuck));
    function stuck() { ${body} }`;
  const child = spawn(process.execPath, ["-e", main], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await once(child, "close");
  return output;
}

it("finds the function in which the main thread spins", async () => {
  const answer = await askOf("for (;;);");

  expect(answer).toMatch(/at .*stuck/);
});

it("says that a main thread in native code does not answer", async () => {
  const answer = await askOf('require("node:child_process").execSync("sleep 5");');

  expect(JSON.parse(answer)).toEqual({ kind: "silent" });
});
