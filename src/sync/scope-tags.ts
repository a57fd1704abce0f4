/**
 * A number written into the stack: each digit is an async function of its own that awaits the
 * next, so that the await chain of whatever a scope waits for spells the scope's number. Function
 * names alone would not tell one scope from another.
 */
import { invariant } from "../core/invariant.ts";
import { captureStack, type Frame, readFrames } from "./stack-frames.ts";

type Body<T> = () => Promise<T>;
type Digit = <T>(body: Body<T>) => Promise<T>;

async function digit0<T>(body: Body<T>): Promise<T> {
  const result = await body();
  return result;
}
async function digit1<T>(body: Body<T>): Promise<T> {
  const result = await body();
  return result;
}
async function digit2<T>(body: Body<T>): Promise<T> {
  const result = await body();
  return result;
}
async function digit3<T>(body: Body<T>): Promise<T> {
  const result = await body();
  return result;
}
async function digit4<T>(body: Body<T>): Promise<T> {
  const result = await body();
  return result;
}
async function digit5<T>(body: Body<T>): Promise<T> {
  const result = await body();
  return result;
}
async function digit6<T>(body: Body<T>): Promise<T> {
  const result = await body();
  return result;
}
async function digit7<T>(body: Body<T>): Promise<T> {
  const result = await body();
  return result;
}
/** Outside the last digit, so that a number is known to be complete. */
async function lastDigit<T>(body: Body<T>): Promise<T> {
  const result = await body();
  return result;
}

const DIGITS: readonly Digit[] = [
  ...[digit0, digit1, digit2, digit3],
  ...[digit4, digit5, digit6, digit7],
];

/** Small numbers are used again first: most scopes need one digit. */
const freed: number[] = [];
let unusedTag = 0;

export function takeTag(): number {
  return freed.pop() ?? unusedTag++;
}

export function freeTag(tag: number): void {
  freed.push(tag);
}

/** Runs `body` so that what it awaits has the frames of `tag` in its await chain. */
export function runTagged<T>(tag: number, body: Body<T>): Promise<T> {
  let run = body;
  for (const digit of digitsOf(tag)) {
    const inner = run;
    run = () => digit(inner);
  }
  return lastDigit(run);
}

function digitsOf(tag: number): readonly Digit[] {
  return Array.from(tag.toString(8), (octal) => {
    const digit = DIGITS[Number(octal)];
    invariant(digit !== undefined, "there is a function for each octal digit");
    return digit;
  });
}

/** Which digit a frame is of; the last one is "". Learnt from the functions themselves, when first needed. */
let known: ReadonlyMap<string, string> | undefined;

/** The tags that the frames spell, from the innermost scope outwards. */
export function readTags(frames: readonly Frame[]): readonly number[] {
  known ??= learn();
  const tags: number[] = [];
  let digits = "";
  for (const { fn } of frames) {
    const digit = fn === undefined ? undefined : known.get(fn);
    // Other frames may lie between: while they run, digits call each other through closures.
    if (digit === undefined) continue;
    if (digit !== "") digits += digit;
    else {
      tags.push(Number.parseInt(digits, 8));
      digits = "";
    }
  }
  return tags;
}

function learn(): ReadonlyMap<string, string> {
  const learnt = new Map<string, string>();
  for (const [index, digit] of [...DIGITS, lastDigit].entries()) {
    const name = digit === lastDigit ? "" : String(index);
    void digit(() => {
      const [, frame] = readFrames(captureStack(2));
      if (frame?.fn !== undefined) learnt.set(frame.fn, name);
      return Promise.resolve();
    });
  }
  return learnt;
}
