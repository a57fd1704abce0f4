import type { App } from "../../client/app.ts";
import type { OpenOptions } from "../../client/open-options.ts";
import type { Logger } from "../../core/job-context.ts";
import { abortOf } from "./abort.ts";
import type { CommandContext } from "./command.ts";
import { endSoon, shellWord } from "./screen.ts";
import { readSetting, SETTINGS, type Setting } from "./setting.ts";

/** Past this a person wonders whether anything still happens. */
const SILENCE_MS_MAX = 2_000;
/** A command that runs no jobs has nothing to hand back when it closes. */
const CLOSE_MS_MAX = 2_000;

interface Use {
  /** A look, or a change to what is there, must not make a store where there is none. */
  readonly mustExist: boolean;
  readonly tasks?: URL;
  /** Who hears of the store's troubles; by default they go to stderr, and nowhere under --json. */
  readonly logger?: Logger;
}

/** What a command needs to reach its store. */
export type StoreContext = Pick<CommandContext, "screen" | "env" | "signal"> & {
  readonly flags: { readonly store: string | undefined };
};

export function storeSetting({ flags, env }: StoreContext): Setting<string> {
  return readSetting(SETTINGS.store, flags.store, env);
}

/** ` --store …` for the commands that a screen offers, when this one was given the flag. */
export function sameStore(context: StoreContext): string {
  const { value, source } = storeSetting(context);
  return source === "flag" ? ` --store ${shellWord(value)}` : "";
}

/**
 * Opens the store as a producer, and closes it after use, however that ends. Everything runs in
 * this thread: a command that lives for a moment has no loop to keep free, and two threads would
 * cost it a quarter of a second.
 * @throws what `open()` throws, and UNJAM_STORE_MISSING
 */
export async function withApp<T>(
  context: StoreContext,
  { mustExist, tasks, logger }: Use,
  use: (app: App) => Promise<T>,
): Promise<T> {
  const store = storeSetting(context).value;
  const { findStore, requireStore } = await import("../../client/store-presence.ts");
  if (mustExist) requireStore(store);
  else findStore(store);
  const { open } = await import("../../client/open.ts");
  const options: OpenOptions = {
    ...{ store, work: false, runtime: "inline" },
    logger: logger ?? (await defaultLogger(context)),
    ...(tasks === undefined ? {} : { tasks }),
  };
  const aborted = rejection(context.signal);
  // Whoever races with it hears of it; nobody else has to.
  aborted.catch(() => undefined);
  const notice = setTimeout(
    () => context.screen.say(`still waiting for ${store}; another process may hold it locked`),
    SILENCE_MS_MAX,
  );
  let app: App | undefined;
  try {
    app = await Promise.race([open(options), aborted]);
    clearTimeout(notice);
    return await Promise.race([use(app), aborted]);
  } finally {
    clearTimeout(notice);
    await app?.close({ graceMs: CLOSE_MS_MAX });
    // A module of the user's, or an open() that was given up, may hold the process open.
    endSoon();
  }
}

/** Under --json stderr holds one error or nothing; what would be a warning there fails the command. */
async function defaultLogger({ screen }: StoreContext): Promise<Logger> {
  const { stderrLog } = await import("./logger.ts");
  return stderrLog(screen.isJson ? "silent" : "warn", screen.isJson);
}

async function rejection(signal: AbortSignal): Promise<never> {
  await abortOf(signal);
  throw signal.reason;
}
