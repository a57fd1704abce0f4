import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { ownIdentity, whyGone } from "./process-identity.ts";

it("says nothing against a process that lives", () => {
  expect(whyGone(ownIdentity())).toBeNull();
});

it("says that an ended process is gone", async () => {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  const pid = child.pid ?? 0;
  await once(child, "exit");

  expect(whyGone({ ...ownIdentity(), pid })).toMatch(/is gone/);
});

it("is not fooled by a pid that belongs to another process now", () => {
  expect(whyGone({ ...ownIdentity(), processStart: "1" })).toMatch(/belongs to another/);
});

it("does not judge a process of another boot or pid namespace", () => {
  expect(whyGone({ ...ownIdentity(), pid: 2 ** 22, machine: "elsewhere" })).toBeNull();
});
