import { describe, expect, it } from "vitest";
import { TRACESTATE_CHARS_MAX } from "./limits.ts";
import { ENQUEUE_OPTIONS } from "./option-tables.ts";
import { readOptions } from "./options.ts";
import { extraOf, readTrace, type TraceContext, traceOf } from "./trace-context.ts";

const PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

function readGiven(trace: unknown): TraceContext | null {
  return readTrace(readOptions(ENQUEUE_OPTIONS, { trace }, "enqueue(t)").trace, "enqueue(t)");
}

describe("a trace context", () => {
  it.each<TraceContext>([
    { traceparent: PARENT },
    { traceparent: PARENT, tracestate: "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE" },
    { traceparent: PARENT, tracestate: "x".repeat(TRACESTATE_CHARS_MAX) },
    { traceparent: PARENT.replace("00-", "cc-") },
    { traceparent: `${PARENT.replace("00-", "01-")}-what-the.future_holds` },
  ])("travels in the envelope: %j", (trace) => {
    expect(traceOf(extraOf(readGiven(trace)))).toEqual(trace);
  });

  it.each([undefined, {}, { traceparent: undefined }])("is none: %j", (trace) => {
    expect(readGiven(trace)).toBeNull();
    expect(traceOf(extraOf(null))).toBeUndefined();
  });

  it.each([
    { traceparent: "" },
    { traceparent: 5 },
    { traceparent: PARENT.toUpperCase() },
    { traceparent: PARENT.slice(0, -1) },
    { traceparent: `${PARENT}0` },
    { traceparent: `${PARENT}-more` },
    { traceparent: `${PARENT}\n` },
    { traceparent: PARENT.replace("00-", "ff-") },
    { traceparent: PARENT.replace(/-[0-9a-f]{32}-/, `-${"0".repeat(32)}-`) },
    { traceparent: PARENT.replace(/-[0-9a-f]{16}-/, `-${"0".repeat(16)}-`) },
    { traceparent: `${PARENT.replace("00-", "01-")}-${"x".repeat(300)}` },
    { tracestate: "a=1" },
    { traceparent: PARENT, tracestate: "" },
    { traceparent: PARENT, tracestate: "ž=1" },
    { traceparent: PARENT, tracestate: "a=1\nb=2" },
    { traceparent: PARENT, tracestate: "x".repeat(TRACESTATE_CHARS_MAX + 1) },
    PARENT,
  ])("is refused: %j", (trace) => {
    expect(() => readGiven(trace)).toThrow(
      expect.objectContaining({ code: "UNJAM_INVALID_OPTION" }),
    );
  });

  it("with more than it has is refused", () => {
    expect(() => readGiven({ traceparent: PARENT, baggage: "a=1" })).toThrow(
      expect.objectContaining({ code: "UNJAM_UNKNOWN_OPTION" }),
    );
  });

  it.each(["", "null", "[]", "{}", '{"trace":"00-4bf9"}', '{"trace":{"traceparent":"00"}}', "{"])(
    "is none where another build wrote %s",
    (extra) => {
      expect(traceOf(extra)).toBeUndefined();
    },
  );

  it("is found beside fields of a later build", () => {
    const extra = JSON.stringify({ later: [1], trace: { traceparent: PARENT, later: 2 } });

    expect(traceOf(extra)).toEqual({ traceparent: PARENT });
  });
});
