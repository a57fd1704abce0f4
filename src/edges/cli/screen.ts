import { styleText } from "node:util";

type Format = "bold" | "dim" | "red" | "green" | "yellow";

/**
 * Where a command writes. stdout is data, stderr is messages, so that `id=$(unjam enqueue …)` and
 * `unjam jobs | head` work. Under --json stdout has one JSON value, and messages are left out.
 */
export interface Screen {
  readonly isJson: boolean;
  /** The answer, on stdout: the value under --json, else the lines. */
  show(value: unknown, lines: readonly string[]): void;
  /** A message for people, on stderr. */
  say(line: string): void;
  /** The next useful command, as the last line. */
  next(command: string): void;
  /** Colour, where stdout is a terminal that wants some (NO_COLOR, FORCE_COLOR). */
  paint(format: Format, text: string): string;
}

export function openScreen(isJson: boolean): Screen {
  const say = (line: string): void => {
    if (!isJson) process.stderr.write(`${line}\n`);
  };
  return {
    isJson,
    say,
    show(value, lines) {
      const output = isJson ? [JSON.stringify(value)] : lines;
      if (output.length > 0) process.stdout.write(`${output.join("\n")}\n`);
    },
    next: (command) => say(`${paintFor(process.stderr, "dim", "next")}  ${command}`),
    paint: (format, text) => paintFor(process.stdout, format, text),
  };
}

export function paintFor(stream: NodeJS.WriteStream, format: Format, text: string): string {
  return styleText(format, text, { stream, validateStream: true });
}

/**
 * Text of users (task names, errors, notes) for a terminal: on one line, and without control
 * characters, because an escape sequence in a job's error must not reach the operator's screen.
 */
export function printable(text: string, charsMax = 2_000): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for.
  const plain = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]+/g, " ");
  return plain.length > charsMax ? `${plain.slice(0, charsMax - 1)}…` : plain;
}

/** A word as a shell takes it, for commands that are offered to be copied. */
export function shellWord(text: string): string {
  return /^[\w.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Ends a program that has nothing more to do, even if a user's module holds the process open. */
export function endSoon(): void {
  // Unref'd: where nothing holds it, the process ends before this.
  setTimeout(() => process.exit(), 100).unref();
}
