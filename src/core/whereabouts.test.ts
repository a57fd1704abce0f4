import { describe, expect, it } from "vitest";
import { AWAITING, hereError, whereInWords, type Whereabouts } from "./whereabouts.ts";

const LOOP: Whereabouts = {
  ...{ native: false, isAwaiting: false },
  stack: "    at blur (file:///app/blur.ts:31:9)\n    at resize (file:///app/tasks.ts:7:3)",
};
const NATIVE = { native: true, syscall: null, file: null, child: null } as const;

describe("where code was at its deadline", () => {
  it.each<[Whereabouts | null | undefined, string]>([
    [LOOP, " and was at blur (file:///app/blur.ts:31:9)"],
    [{ ...LOOP, stack: null }, ""],
    [{ ...LOOP, stack: "" }, ""],
    [AWAITING, " and waited for a promise"],
    [NATIVE, " and was in native code, computing"],
    [
      { ...NATIVE, syscall: "read", file: "pipe:[7]", child: "sleep 60 (process 9)" },
      " and was in native code, in read on pipe:[7] with the child process sleep 60 (process 9)",
    ],
    [null, ""],
    // A record that an older build stored.
    [undefined, ""],
  ])("%j is told as %j", (stuck, words) => {
    expect(whereInWords(stuck)).toBe(words);
  });

  it("is the stack of an error of its own, where there is one", () => {
    expect(hereError("blur()", LOOP)?.stack).toBe(
      "Error: blur() was here at its deadline\n" +
        "    at blur (file:///app/blur.ts:31:9)\n    at resize (file:///app/tasks.ts:7:3)",
    );
    expect(hereError("blur()", { ...LOOP, stack: "" })).toBeUndefined();
    expect(hereError("blur()", AWAITING)).toBeUndefined();
    expect(hereError("blur()", NATIVE)).toBeUndefined();
    expect(hereError("blur()", null)).toBeUndefined();
  });
});
