import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { isUnjamError, type UnjamError } from "../../../core/errors.ts";
import { WORK_OPTIONS } from "../../../core/option-tables.ts";
import { type Command, type CommandContext, defineCommand, EXIT, STORE_FLAG } from "../command.ts";
import type { Check } from "../doctor/check.ts";
import type { ConfigLine } from "../doctor/config.ts";
import { sameStore, storeSetting, withApp } from "../opened-app.ts";
import { packageVersion } from "../package-version.ts";
import { endSoon, printable, type Screen } from "../screen.ts";
import { drawTable } from "../table.ts";

const FLAGS = {
  threads: {
    kind: "count",
    value: "<n>",
    about: "judge this many job threads",
    bounds: WORK_OPTIONS.threads,
  },
  "print-config": { kind: "switch", about: "say where each setting came from" },
  store: STORE_FLAG,
} as const;

type Context = CommandContext<typeof FLAGS>;

/** What the examination came to. `unreachable` is why the store could not be opened. */
interface Findings {
  readonly checks: readonly Check[];
  readonly config: readonly ConfigLine[];
  readonly unreachable: UnjamError | undefined;
}

export const doctor: Command = defineCommand<typeof FLAGS>({
  name: "doctor",
  summary: "check the machine, the store and its durability",
  args: [],
  flags: FLAGS,
  examples: [
    "doctor",
    "doctor --print-config",
    "doctor --store sqlite:/var/lib/app/jobs.db --json",
  ],
  errors: ["UNJAM_STORE_MISSING", "UNJAM_STORE_UNSAFE", "UNJAM_STORE_CORRUPT"],

  async run(context) {
    const findings = await examine(context);
    const { checks, config, unreachable } = findings;
    const { screen } = context;
    const isOk = checks.every(({ verdict }) => verdict !== "bad");
    const shown = context.flags["print-config"] ? { config } : {};
    screen.show({ ok: isOk, ...versions(), checks, ...shown }, linesOf(context, findings));
    screen.next(nextOf(context, findings));
    // An fsync that never returned would hold the process.
    endSoon();
    if (unreachable !== undefined) return unreachable.exitCode;
    return isOk ? EXIT.ok : EXIT.failed;
  },
});

async function examine(context: Context): Promise<Findings> {
  const { flags, env } = context;
  const { readConfig } = await import("../doctor/config.ts");
  const { lines, checks: configChecks } = readConfig(flags, env);
  const { machineChecks } = await import("../doctor/machine-checks.ts");
  const threads = Number(lines.find(({ setting }) => setting === "threads")?.value ?? 0);
  const machine = [...configChecks, ...machineChecks({ threads })];
  try {
    const disk = await examineDisk(context);
    const { checks, unreachable } = await examineStore(context);
    return { checks: [...machine, ...disk, ...checks], config: lines, unreachable };
  } catch (error) {
    if (!isUnjamError(error)) throw error;
    const { failed } = await import("../doctor/check.ts");
    return { checks: [...machine, failed("store", error)], config: lines, unreachable: error };
  }
}

/** The disk first, because a folder that cannot be written explains a store that cannot be opened. */
async function examineDisk(context: Context): Promise<readonly Check[]> {
  const { findStore } = await import("../../../client/store-presence.ts");
  const folder = dirname(findStore(storeSetting(context).value).file);
  if (!existsSync(folder)) return [];
  const { diskChecks } = await import("../doctor/disk-checks.ts");
  return diskChecks(folder);
}

async function examineStore(context: Context): Promise<Omit<Findings, "config">> {
  const { storeChecks } = await import("../doctor/store-checks.ts");
  const since = performance.now();
  const troubles: string[] = [];
  const note = (_: object, message: string): void => void troubles.push(message);
  const logger = { info: () => undefined, warn: note, error: note };
  try {
    const checks = await withApp(context, { mustExist: true, logger }, (app) =>
      storeChecks(app, { openMs: performance.now() - since, troubles }),
    );
    return { checks, unreachable: undefined };
  } catch (error) {
    if (!isUnjamError(error)) throw error;
    const { failed } = await import("../doctor/check.ts");
    return { checks: [failed("store", error)], unreachable: error };
  }
}

function versions(): { readonly unjam: string; readonly node: string; readonly platform: string } {
  const { platform, arch, version } = process;
  return { unjam: packageVersion(), node: version, platform: `${platform} ${arch}` };
}

function linesOf({ flags, screen }: Context, findings: Findings): readonly string[] {
  const { unjam, node, platform } = versions();
  const { checks, config } = findings;
  const count = (verdict: Check["verdict"]): number =>
    checks.filter((check) => check.verdict === verdict).length;
  return [
    `unjam ${unjam}   node ${node}   ${platform}`,
    "",
    ...(flags["print-config"] ? [...drawConfig(screen, config), ""] : []),
    ...checks.flatMap((check) => drawCheck(screen, check)),
    "",
    `failed ${count("bad")}, warnings ${count("warning")}, ok ${count("ok")}`,
  ];
}

const SIGNS = {
  ok: { sign: "✓", format: "green" },
  warning: { sign: "!", format: "yellow" },
  bad: { sign: "✗", format: "red" },
} as const;

function drawCheck(screen: Screen, { name, verdict, found, fix }: Check): readonly string[] {
  const { sign, format } = SIGNS[verdict];
  const line = `${screen.paint(format, sign)} ${name.padEnd(11)}  ${printable(found)}`;
  return fix === undefined ? [line] : [line, `${" ".repeat(15)}fix: ${fix}`];
}

function drawConfig(screen: Screen, config: readonly ConfigLine[]): readonly string[] {
  return drawTable(
    screen,
    [
      { heading: "SETTING", cell: ({ setting }) => setting },
      { heading: "VALUE", cell: ({ value }) => value },
      { heading: "FROM", cell: ({ source, name }) => `${source} (${name})` },
    ],
    config,
  );
}

function nextOf(context: Context, { checks, unreachable }: Findings): string {
  const where = sameStore(context);
  const isMissing = isUnjamError(unreachable, "UNJAM_STORE_MISSING");
  if (isMissing) return `unjam enqueue <task> <json>${where}`;
  if (checks.every(({ verdict }) => verdict === "ok")) return `unjam queues${where}`;
  const isFailed = checks.some(({ verdict }) => verdict === "bad");
  const command = isFailed ? undefined : checks.find(({ fix }) => fix?.startsWith("unjam "))?.fix;
  return `${command ?? "unjam doctor --json"}${where}`;
}
