/**
 * What a supervisor, which runs without them, has to know of the process's own flags: the user's
 * handlers and functions run as his server does.
 */
export interface UserFlags {
  readonly execArgv: readonly string[];
  /** NODE_OPTIONS. */
  readonly nodeOptions: string | null;
}

/** Those of this process. */
export function userFlags(): UserFlags {
  return { execArgv: process.execArgv, nodeOptions: process.env["NODE_OPTIONS"] ?? null };
}

/** As options of a thread or child process that runs the user's code. */
export function withUserFlags({ execArgv, nodeOptions }: UserFlags): {
  execArgv: string[];
  env: NodeJS.ProcessEnv;
} {
  const env = nodeOptions === null ? process.env : { ...process.env, NODE_OPTIONS: nodeOptions };
  return { execArgv: [...execArgv], env };
}
