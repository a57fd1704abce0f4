const LINES_PER_FILE = 100;

/** Two log files, as if read from a disk. One line of the second was cut by a crash. */
export const LOG_FILES: readonly (readonly string[])[] = [1, 2].map((file) =>
  Array.from({ length: LINES_PER_FILE }, (_, n) =>
    file === 2 && n === 41 ? "ERR" : `${n % 10 === 0 ? "ERROR" : "INFO"} request ${n}`,
  ),
);

/** The level of a line. It gives way in the middle, as a call over the network would. */
export async function levelOf(line: string): Promise<string> {
  await new Promise(setImmediate);
  const level = /^(?:INFO|ERROR)(?= )/.exec(line)?.[0];
  if (level === undefined) throw new Error(`not a log line: ${line}`);
  return level;
}
