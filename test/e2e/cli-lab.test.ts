import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { SCENARIOS } from "../../src/edges/lab/scenarios.ts";
import { type CommandEnd, CommandFolder } from "./command.ts";

interface ProgramAnswer {
  readonly name: string;
  readonly pid: number;
  readonly ending: { readonly kind: string; readonly [name: string]: unknown };
  readonly isAsExpected: boolean;
  readonly ranMs: number;
  readonly done: number;
  readonly failed: number;
  readonly total: number;
  readonly waitsFor: string | null;
  readonly waitedMs: number;
}

interface Answer {
  readonly ok: boolean;
  readonly scenario: string;
  readonly timeMs: number;
  readonly programs: readonly [naive: ProgramAnswer, sound: ProgramAnswer];
}

/** Time for a program to start and get stuck on a machine that is busy with other tests. */
const TIME = ["--time", "4s"];

async function lab(...line: string[]): Promise<CommandEnd> {
  await using folder = new CommandFolder();
  return await folder.unjam(["lab", ...line]);
}

async function measured(scenario: string): Promise<Answer> {
  const { code, stdout, stderr } = await lab(scenario, "--json", ...TIME);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as Answer;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("the lab", () => {
  it("lists its scenarios", async () => {
    const { code, stdout, stderr } = await lab();

    expect(code).toBe(0);
    const listed = stdout.split("\n").slice(1, -1);
    expect(listed.map((line) => line.replace(/ {2,}/, " | "))).toEqual(
      SCENARIOS.map(({ name, summary }) => `${name} | ${summary}`),
    );
    expect(stderr).toBe(`next  unjam lab ${SCENARIOS[0]?.name}\n`);
  });

  it("lists them for machines", async () => {
    const { stdout } = await lab("--json");

    expect(JSON.parse(stdout)).toEqual({
      scenarios: SCENARIOS.map(({ name, summary }) => ({ name, summary })),
    });
  });

  it("has help with its flag, its word and examples", async () => {
    const { code, stdout } = await lab("--help");

    expect(code).toBe(0);
    expect(stdout).toContain("unjam lab [<scenario>] [flags]");
    expect(stdout).toContain("--time <duration>");
    expect(stdout).toContain("unjam lab lost-task-done");
  });
});

describe("lost-task-done", () => {
  it("hangs a counted queue in join(), and ends a JoinableQueue with what was done and failed", async () => {
    const { ok, programs } = await measured("lost-task-done");
    const [naive, sound] = programs;

    expect(ok).toBe(true);
    expect(naive).toMatchObject({ ending: { kind: "hung" }, done: 5, failed: 0, total: 6 });
    expect(naive.waitsFor).toBe("join()");
    expect(naive.waitedMs).toBeGreaterThan(0);
    expect(sound).toMatchObject({ done: 5, failed: 1, total: 6, waitsFor: null });
    expect(sound.ending).toEqual({ kind: "result", text: "join() returned: 5 done, 1 failed" });
  });
});

describe("self-wait", () => {
  it("hangs a promise queue, and is named by a JoinableQueue with both places", async () => {
    const { ok, programs } = await measured("self-wait");
    const [naive, sound] = programs;

    expect(ok).toBe(true);
    expect(naive).toMatchObject({ ending: { kind: "hung" }, done: 1, total: 3 });
    expect(naive.waitsFor).toBe("invoice 2");
    expect(sound).toMatchObject({ done: 2, failed: 1, total: 3 });
    expect(sound.ending).toMatchObject({ kind: "error", code: "UNJAM_DEADLOCK" });
    expect(sound.ending["message"]).toMatch(
      /holds an item of queue "orders" \(sound\.\w+:\d+, where the loop began\) .* an answer of queue "orders" \(sound\.\w+:\d+ in book(?:, sampled)?\)$/,
    );
  });
});

describe.each(SCENARIOS)("the scenario $name", ({ name, summary, unit }) => {
  it("shows both programs as they run, and a table of what was measured, in 80 columns", async () => {
    const { code, stdout, stderr } = await lab(name, ...TIME);

    expect(code).toBe(0);
    expect(stderr).toContain(`LAB ${name}: ${summary}\n`);
    expect(stderr).toMatch(/^naive +t\+\d\.\ds {2}heartbeat ok, waits for /m);
    expect(stderr).toMatch(/^sound +t\+\d\.\ds {2}started as process \d+/m);
    expect(stderr).toMatch(/^next {2}unjam lab [\w-]+\n$/m);
    expect(stdout).toMatch(new RegExp(`^PROGRAM +ENDED +AFTER +${unit.toUpperCase()} `));
    expect(stdout).toMatch(/^naive +hung, killed +\d/m);
    expect(stdout.match(/^✓ (?:naive|sound): /gm)).toHaveLength(2);
    const lines = `${stdout}\n${stderr}`.split("\n");
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  it("leaves no process and no file behind", async () => {
    await using folder = new CommandFolder();

    const { stdout } = await folder.unjam(["lab", name, "--json", ...TIME]);

    const { programs } = JSON.parse(stdout) as Answer;
    expect(programs.map(({ pid }) => pid > 0 && isAlive(pid))).toEqual([false, false]);
    expect(readdirSync(folder.path)).toEqual([]);
  });
});

describe("a lab that is left early", () => {
  it("ends its programs at Ctrl-C, and answers 130", async () => {
    await using folder = new CommandFolder();
    const command = folder.start(["lab", "lost-task-done", "--time", "60s"]);
    await command.written("stderr", /heartbeat ok/);

    command.signal("SIGINT");
    const { code, stderr } = await command.ended;

    expect(code).toBe(130);
    const pids = [...stderr.matchAll(/process (\d+)/g)].map(([, pid]) => Number(pid));
    expect(pids).toHaveLength(2);
    expect(pids.map(isAlive)).toEqual([false, false]);
  });

  it("does not leave a hung program behind when it is killed itself", async () => {
    await using folder = new CommandFolder();
    const command = folder.start(["lab", "lost-task-done", "--time", "60s"]);
    await command.written("stderr", /naive .*heartbeat ok/);

    command.signal("SIGKILL");
    const { stderr } = await command.ended;

    const naive = Number(/naive .*process (\d+)/.exec(stderr)?.[1]);
    await expect.poll(() => isAlive(naive), { timeout: 30_000 }).toBe(false);
  });
});

describe("a slip", () => {
  it.each([
    [
      "an unknown scenario",
      ["self-wiat"],
      /<scenario> to be one of lost-task-done, self-wait, not/,
    ],
    ["a second scenario", ["self-wait", "poison"], /over after <scenario>, not "poison"/],
    [
      "a time without a unit that is known",
      ["self-wait", "--time", "5x"],
      /--time to be a duration/,
    ],
    ["a time that is too short", ["self-wait", "--time", "10ms"], /--time .* from 1000 to 600000/],
    ["a time that is left out", ["self-wait", "--time"], /--time.*followed by <duration>/],
  ])("such as %s costs a line and exit code 2, and starts nothing", async (_, line, message) => {
    const { code, stdout, stderr } = await lab(...line);

    expect(stderr).toMatch(message);
    expect(stderr).toContain("[UNJAM_INVALID_OPTION]");
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  it("under --json is an object on stderr", async () => {
    const { code, stdout, stderr } = await lab("xyzzy", "--json");

    const { error } = JSON.parse(stderr) as { error: { code: string } };
    expect(error.code).toBe("UNJAM_INVALID_OPTION");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
});
