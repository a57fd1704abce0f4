import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { confirm } from "./confirmation.ts";
import type { Screen } from "./screen.ts";

const screen: Screen = {
  isJson: false,
  show: () => undefined,
  say: () => undefined,
  next: () => undefined,
  paint: (_, text) => text,
};
const question = { deed: "cancel 3 jobs (3 ready)", where: "unjam jobs cancel", isYes: false };

/** Asks somebody who types this, and answers what was asked and what came of it. */
async function asked(
  typed: string,
  env: NodeJS.ProcessEnv = {},
): Promise<{ readonly asked: string; readonly isMeant: boolean }> {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const stderr = new PassThrough();
  stdin.end(typed);
  const { signal } = new AbortController();
  const isMeant = await confirm(question, { screen, env, signal }, { stdin, stderr });
  return { asked: String(stderr.read()), isMeant };
}

describe("a question before something is undone", () => {
  it.each([
    ["y\n", true],
    ["Yes\n", true],
    ["n\n", false],
    ["\n", false],
    ["yikes\n", false],
    ["", false],
  ])("answered by %j means %s", async (typed, isMeant) => {
    expect(await asked(typed)).toMatchObject({ isMeant });
  });

  it("has the count, and the environment where one is set", async () => {
    const env = { UNJAM_ENV: "production" };

    expect((await asked("n\n")).asked).toContain("cancel 3 jobs (3 ready)? [y/N]");
    expect((await asked("n\n", env)).asked).toContain("cancel 3 jobs (3 ready) in production? ");
  });

  it("is not put to a pipe", async () => {
    const terminal = { stdin: new PassThrough(), stderr: new PassThrough() };
    const { signal } = new AbortController();

    await expect(confirm(question, { screen, env: {}, signal }, terminal)).rejects.toMatchObject({
      ...{ code: "UNJAM_INVALID_OPTION", details: { option: "--yes" } },
    });
  });

  it("ends with the wait for it", async () => {
    const stdin = Object.assign(new PassThrough(), { isTTY: true });
    const ending = new AbortController();

    const answer = confirm(
      question,
      { screen, env: {}, signal: ending.signal },
      { stdin, stderr: new PassThrough() },
    );
    ending.abort();

    await expect(answer).rejects.toMatchObject({ name: "AbortError" });
  });
});
