import { LAB_MS_DEFAULT, LAB_MS_MAX, LAB_MS_MIN } from "../../../core/limits.ts";
import { UnjamError } from "../../../core/errors.ts";
import { ms } from "../../../core/option-spec.ts";
import type { ProgramRun } from "../../lab/program-run.ts";
import type { Scenario } from "../../lab/scenario.ts";
import { type Command, type CommandContext, defineCommand, EXIT } from "../command.ts";
import { showDuration } from "../flag-value.ts";
import { drawTable } from "../table.ts";

const FLAGS = {
  time: {
    kind: "duration",
    value: "<duration>",
    about: `end a program that hangs after this, default ${LAB_MS_DEFAULT / 1_000}s`,
    bounds: ms(LAB_MS_DEFAULT, [LAB_MS_MIN, LAB_MS_MAX], "how long a program may run"),
  },
} as const;

type Context = CommandContext<typeof FLAGS>;

export const lab: Command = defineCommand<typeof FLAGS>({
  name: "lab",
  summary: "see a classic failure hang, beside the program that does not",
  args: [
    { name: "scenario", about: "what to show; without it, all are listed", count: "optional" },
  ],
  flags: FLAGS,
  examples: ["lab", "lab lost-task-done", "lab self-wait --time 10s", "lab self-wait --json"],
  errors: ["UNJAM_INVALID_OPTION"],

  async run(context) {
    const { SCENARIOS } = await import("../../lab/scenarios.ts");
    const [name] = context.words;
    if (name === undefined) return listScenarios(context, SCENARIOS);
    const scenario = SCENARIOS.find((each) => each.name === name);
    if (scenario === undefined) throw unknownScenario(name, SCENARIOS);
    return show(context, scenario, SCENARIOS);
  },
});

/** Names it, and what was probably meant, as for a command that is not there. */
function unknownScenario(name: string, all: readonly Scenario[]): UnjamError {
  const expected = `one of ${all.map((each) => each.name).join(", ")}`;
  return new UnjamError("UNJAM_INVALID_OPTION", {
    ...{ option: "<scenario>", where: "unjam lab", expected },
    got: JSON.stringify(name),
  });
}

function listScenarios({ screen }: Context, all: readonly Scenario[]): number {
  const rows = all.map(({ name, summary }) => ({ name, summary }));
  const lines = drawTable(
    screen,
    [
      { heading: "LAB", cell: ({ name }) => name },
      { heading: "WHAT GOES WRONG", cell: ({ summary }) => summary },
    ],
    rows,
  );
  screen.show({ scenarios: rows }, lines);
  screen.next(`unjam lab ${rows[0]?.name ?? ""}`);
  return EXIT.ok;
}

async function show(
  { screen, flags, signal }: Context,
  scenario: Scenario,
  all: readonly Scenario[],
): Promise<number> {
  const { runScenario } = await import("../../lab/scenario-run.ts");
  const { drawLine, drawReport } = await import("../lab-report.ts");
  const timeMs = flags.time ?? LAB_MS_DEFAULT;
  const startedAt = performance.now();
  screen.say(`LAB ${scenario.name}: ${scenario.summary}`);
  screen.say(`both programs at once; what still waits after ${showDuration(timeMs)} is ended`);
  screen.say("");
  const runs = await runScenario(scenario, {
    ...{ timeMs, signal },
    onLine: ({ name, text }) => {
      screen.say(drawLine({ name, text, atMs: performance.now() - startedAt }));
    },
  });
  const isOk = runs.every(({ isAsExpected }) => isAsExpected);
  screen.say("");
  screen.show(answerOf(scenario, timeMs, runs), drawReport(screen, scenario, runs));
  screen.next(`unjam lab ${after(scenario, all).name}`);
  return isOk ? EXIT.ok : EXIT.failed;
}

function answerOf(
  { name, summary, unit, lesson }: Scenario,
  timeMs: number,
  runs: readonly ProgramRun[],
): object {
  const ok = runs.every(({ isAsExpected }) => isAsExpected);
  return { ok, scenario: name, summary, timeMs, unit, programs: runs, lesson };
}

/** The next one in the list, and after the last the first. */
function after(scenario: Scenario, all: readonly Scenario[]): Scenario {
  return all[(all.indexOf(scenario) + 1) % all.length] ?? scenario;
}
