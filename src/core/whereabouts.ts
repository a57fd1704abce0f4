/** Where a thread's code was when its time was over. */
export type Whereabouts =
  /** In JavaScript; without a stack when it waited, or could not be asked. */
  | { readonly native: false; readonly isAwaiting: boolean; readonly stack: string | null }
  /** In a system call, or in computing that no script can interrupt. */
  | {
      readonly native: true;
      readonly syscall: string | null;
      readonly file: string | null;
      readonly child: string | null;
    };

/** Its loop was free: it waited for something. */
export const AWAITING: Whereabouts = { native: false, isAwaiting: true, stack: null };

/** The end of a message: ` and was at blur (file:///app/blur.ts:31:9)`. Nothing when it is not known. */
export function whereInWords(stuck: Whereabouts | null | undefined): string {
  if (stuck === null || stuck === undefined) return "";
  if (stuck.native) {
    const what = [
      stuck.syscall === null ? "computing" : `in ${stuck.syscall}`,
      ...(stuck.file === null ? [] : [`on ${stuck.file}`]),
      ...(stuck.child === null ? [] : [`with the child process ${stuck.child}`]),
    ];
    return ` and was in native code, ${what.join(" ")}`;
  }
  if (stuck.isAwaiting) return " and waited for a promise";
  const frame = stuck.stack?.split("\n")[0]?.trim();
  return frame === undefined || frame === "" ? "" : ` and was ${frame}`;
}

/**
 * A cause for the error that says so: an error whose stack is where the code was, so that it is
 * printed with the rest. `undefined` when no stack is known.
 */
export function hereError(who: string, stuck: Whereabouts | null): Error | undefined {
  if (stuck?.native !== false || stuck.stack === null || stuck.stack === "") return undefined;
  const here = new Error(`${who} was here at its deadline`);
  here.stack = `${here.name}: ${here.message}\n${stuck.stack}`;
  return here;
}
