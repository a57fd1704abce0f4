import { describe, expect, it } from "vitest";
import { readManifest } from "../../scripts/packed-project.ts";
import { readLine } from "../../src/edges/cli/command-line.ts";
import { COMMANDS } from "../../src/edges/cli/command-list.ts";
import { CommandFolder } from "./command.ts";

const commands = await Promise.all(
  Object.entries(COMMANDS).map(async ([name, load]) => ({ name, command: await load() })),
);

/** The words of an example as a shell would cut them. */
function wordsOf(example: string): readonly string[] {
  const line = example.replace(/ <.*$/, "");
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

async function unjam(...line: string[]): Promise<Awaited<ReturnType<CommandFolder["unjam"]>>> {
  await using folder = new CommandFolder();
  return await folder.unjam(line);
}

describe("a command", () => {
  it.each(commands)("is listed under its own name: $name", ({ name, command }) => {
    expect(command.name).toBe(name);
  });

  it.each(commands)("has examples that it can read: $name", ({ name, command }) => {
    expect(command.examples.length).toBeGreaterThan(0);
    for (const example of command.examples) {
      expect(example.startsWith(name)).toBe(true);
      const words = wordsOf(example).slice(name.split(" ").length);
      expect(() => readLine(command, words)).not.toThrow();
    }
  });
});

describe("help", () => {
  it("lists every command with its summary", async () => {
    const { code, stdout, stderr } = await unjam("--help");

    expect(code).toBe(0);
    expect(stderr).toBe("");
    for (const { command } of commands) {
      expect(stdout).toContain(`  ${command.name}  `);
      expect(stdout).toContain(command.summary);
    }
  });

  it("of a command names its words, flags and an example", async () => {
    const { code, stdout } = await unjam("enqueue", "--help");

    expect(code).toBe(0);
    expect(stdout).toContain("unjam enqueue <task> <json> [flags]");
    expect(stdout).toContain("--wait [<duration>]");
    expect(stdout).toContain("--json");
    expect(stdout).toContain(`unjam enqueue resize '{"width":200}'`);
  });

  it("says what a duration looks like, where a flag takes one", async () => {
    const words = "a duration is 500ms, 30s, 5m or 2h; a number alone is milliseconds";

    expect((await unjam("worker", "--help")).stdout).toContain(`\n  ${words}\n`);
    expect((await unjam("doctor", "--help")).stdout).not.toContain(words);
  });

  it.each([[["help", "jobs"]], [["jobs", "-h"]], [["jobs", "ls", "--help"]]])(
    "is there for %j, with the commands below it",
    async (line) => {
      const { code, stdout } = await unjam(...line);

      expect(code).toBe(0);
      expect(stdout).toContain("jobs retry");
    },
  );

  it("is what a bare unjam shows", async () => {
    expect((await unjam()).stdout).toBe((await unjam("--help")).stdout);
  });
});

describe("the version", () => {
  it("is that of the package", async () => {
    expect((await unjam("--version")).stdout).toBe(`${readManifest().version}\n`);
  });
});

describe("a slip", () => {
  it.each([
    [["wroker"], /^unjam: no command "wroker"; did you mean worker\? \[UNJAM_UNKNOWN_COMMAND\]\n$/],
    [["jobs", "shwo", "7"], /^unjam: no command "jobs shwo"; did you mean jobs show\? \[.*\]\n$/],
    [["xyzzy"], /^unjam: no command "xyzzy"; see unjam --help \[UNJAM_UNKNOWN_COMMAND\]\n$/],
    [["__proto__"], /^unjam: no command "__proto__"; see unjam --help \[.*\]\n$/],
    [
      ["enqueue", "x", "1", "--dealy", "5s"],
      /^unjam: enqueue has no flag --dealy; did you mean --delay\? \[UNJAM_UNKNOWN_OPTION\]\n$/,
    ],
    [["jobs", "--constructor"], /^unjam: jobs has no flag --constructor; see unjam jobs --help/],
    [["--verison"], /^unjam: unjam has no flag --verison; did you mean --version\? \[.*\]\n$/],
  ])("in %j costs one line and exit code 2", async (line, message) => {
    const { code, stdout, stderr } = await unjam(...line);

    expect(stderr).toMatch(message);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  it.each([
    ["a wrong unit", ["enqueue", "x", "1", "--delay", "5sec"], /--delay to be a duration.*"5sec"/],
    ["a number that is none", ["jobs", "--limit", "many"], /--limit to be a whole number/],
    ["a number out of bounds", ["jobs", "--limit", "0"], /--limit .* from 1 to 1000, not 0/],
    ["an unknown state", ["jobs", "--state", "stuck"], /--state to be one of "scheduled"/],
    ["a grace of two hours", ["worker", "--tasks", "x.ts", "--grace", "2h"], /--grace .* not 7200/],
    [
      "a flag without its value",
      ["jobs", "--store", "--state", "dead"],
      /--store.*followed by <url>/,
    ],
    ["a value for a switch", ["jobs", "retry", "1", "--yes=no"], /--yes to be given without/],
    ["a flag that is there twice", ["jobs", "--limit", "1", "--limit", "2"], /--limit.*once/],
    ["a missing word", ["enqueue", "resize"], /<json> to be its input as JSON.*left out/],
    ["a word too many", ["enqueue", "resize", "1", "2"], /over after <json>, not "2"/],
    ["a memory store", ["jobs", "--store", "memory:"], /one that outlives its process/],
  ])("such as %s is told by its flag's name", async (_, line, message) => {
    const { code, stderr } = await unjam(...line);

    expect(stderr).toMatch(message);
    expect(stderr).toContain("[UNJAM_INVALID_OPTION]");
    expect(code).toBe(2);
  });

  it("under --json is an object on stderr, and stdout stays empty", async () => {
    const { code, stdout, stderr } = await unjam("jobs", "--limit", "0", "--json");

    const { error } = JSON.parse(stderr) as { error: Record<string, unknown> };
    expect(error).toMatchObject({
      code: "UNJAM_INVALID_OPTION",
      details: { option: "--limit", where: "unjam jobs" },
    });
    expect(error["help"]).toMatch(/\w/);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });
});

describe("output", () => {
  it("has colour only where it is asked for", async () => {
    await using folder = new CommandFolder();

    const plain = await folder.unjam(["--help"]);
    const refused = await folder.unjam(["--help"], { env: { NO_COLOR: "1" } });
    const coloured = await folder.unjam(["--help"], { env: { FORCE_COLOR: "1" } });

    expect(plain.stdout).not.toContain("\u001B[");
    expect(refused.stdout).toBe(plain.stdout);
    expect(coloured.stdout).toContain("\u001B[1m");
  });

  it("into a pipe that nobody reads any more is no error", async () => {
    await using folder = new CommandFolder();

    const command = folder.start(["--help"]);
    command.stopReading();

    expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
  });
});
