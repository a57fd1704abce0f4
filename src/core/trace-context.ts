import { invalid } from "./options.ts";
import type { TraceOptionValues } from "./option-tables.ts";

/** A W3C trace context, as the HTTP headers of these names carry it. */
export interface TraceContext {
  /** Version, trace id, parent id and flags, each in hexadecimal, joined by dashes. */
  readonly traceparent: string;
  /** What tracing systems add to it. */
  readonly tracestate?: string;
}

const FIELDS = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;
/** Behind its four fields the first version has nothing, later ones may have more. */
const FIELDS_CHARS = 55;
const LATER_FIELDS = /^(?:-[\x21-\x7e]*)?$/;
const PRINTABLE = /^[\t\x20-\x7e]+$/;

/**
 * What a caller gave as `trace`; `null` when it holds nothing, as when no trace is under way.
 * @throws UNJAM_INVALID_OPTION
 */
export function readTrace(
  { traceparent, tracestate }: TraceOptionValues,
  where: string,
): TraceContext | null {
  if (traceparent === undefined && tracestate === undefined) return null;
  if (traceparent === undefined || !isTraceparent(traceparent)) {
    throw invalid("trace.traceparent", where, "a traceparent as in W3C Trace Context", traceparent);
  }
  if (tracestate === undefined) return { traceparent };
  if (!PRINTABLE.test(tracestate)) {
    throw invalid("trace.tracestate", where, "a tracestate as in W3C Trace Context", tracestate);
  }
  return { traceparent, tracestate };
}

/** The part of a job's envelope that holds it. */
export function extraOf(trace: TraceContext | null): string | null {
  return trace === null ? null : JSON.stringify({ trace });
}

/** The trace context in a job's envelope. Another build may have written what is no such thing here. */
export function traceOf(extra: string | null): TraceContext | undefined {
  if (extra === null) return undefined;
  const trace = fieldOf(parsed(extra), "trace");
  const [traceparent, tracestate] = [fieldOf(trace, "traceparent"), fieldOf(trace, "tracestate")];
  if (typeof traceparent !== "string" || !isTraceparent(traceparent)) return undefined;
  return typeof tracestate === "string" ? { traceparent, tracestate } : { traceparent };
}

function isTraceparent(text: string): boolean {
  const later = text.slice(FIELDS_CHARS);
  return FIELDS.test(text) && (text.startsWith("00") ? later === "" : LATER_FIELDS.test(later));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return Reflect.get(value, name);
}
