import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isUnjamError } from "./errors.ts";
import {
  BACKOFF_OPTIONS,
  CLOSE_OPTIONS,
  ENQUEUE_OPTIONS,
  JOIN_OPTIONS,
  LIST_OPTIONS,
  OPEN_OPTIONS,
  QUEUE_OPTIONS,
  RESULT_OPTIONS,
  TASK_OPTIONS,
  WORK_OPTIONS,
} from "./option-tables.ts";
import {
  expected,
  type OptionSpec,
  type OptionTable,
  readOptions,
  readQueueName,
} from "./options.ts";

const TABLES: Readonly<Record<string, OptionTable>> = {
  BACKOFF_OPTIONS,
  CLOSE_OPTIONS,
  ENQUEUE_OPTIONS,
  JOIN_OPTIONS,
  LIST_OPTIONS,
  OPEN_OPTIONS,
  QUEUE_OPTIONS,
  RESULT_OPTIONS,
  TASK_OPTIONS,
  WORK_OPTIONS,
};

/** The error that reading throws. */
function refusal(
  table: OptionTable,
  given: unknown,
): { code: string; details: unknown; message: string } {
  try {
    readOptions(table, given, "here()");
  } catch (error) {
    if (isUnjamError(error)) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("readOptions", () => {
  it("fills in what was left out", () => {
    expect(readOptions(BACKOFF_OPTIONS, undefined, "here()")).toEqual({
      firstMs: 1_000,
      factor: 2,
      maxMs: 300_000,
      jitter: 0.2,
    });
    expect(readOptions(WORK_OPTIONS, { loop: 3 }, "here()")).toMatchObject({ loop: 3, threads: 2 });
  });

  it("takes undefined for left out", () => {
    expect(readOptions(CLOSE_OPTIONS, { graceMs: undefined }, "here()")).toEqual({
      graceMs: 25_000,
    });
  });

  it("fills in and checks a group inside", () => {
    const values = readOptions(TASK_OPTIONS, { keep: { doneMs: 5 } }, "here()");

    expect(values.keep).toEqual({ doneMs: 5, deadMs: 2_592_000_000 });
    expect(values.backoff.factor).toBe(2);
    expect(refusal(TASK_OPTIONS, { keep: { done: 5 } })).toMatchObject({
      code: "UNJAM_UNKNOWN_OPTION",
      details: { option: "done", where: "here() keep", known: ["doneMs", "deadMs"] },
    });
  });

  it("names what it knows when a name is wrong", () => {
    expect(refusal(CLOSE_OPTIONS, { timeout: 5 })).toMatchObject({
      code: "UNJAM_UNKNOWN_OPTION",
      details: { option: "timeout", where: "here()", known: ["graceMs"] },
    });
  });

  it("knows no names but its own", () => {
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      const given: unknown = JSON.parse(`{"${name}": 1}`);
      expect(refusal(CLOSE_OPTIONS, given)).toMatchObject({ code: "UNJAM_UNKNOWN_OPTION" });
    }
  });

  it("refuses options that are no object", () => {
    for (const given of [null, 5, "graceMs", [], true, () => 5]) {
      expect(refusal(CLOSE_OPTIONS, given)).toMatchObject({ code: "UNJAM_INVALID_OPTION" });
    }
  });

  it("takes a number at its bounds, and refuses it past them", () => {
    for (const graceMs of [0, 0.5, 3_600_000]) {
      expect(readOptions(CLOSE_OPTIONS, { graceMs }, "here()")).toEqual({ graceMs });
    }
    for (const graceMs of [-1, 3_600_001, Number.NaN, Infinity, -Infinity, "5", null, 5n]) {
      expect(refusal(CLOSE_OPTIONS, { graceMs })).toMatchObject({ code: "UNJAM_INVALID_OPTION" });
    }
  });

  it("wants whole numbers where it counts", () => {
    expect(readOptions(QUEUE_OPTIONS, { capacity: 7 }, "here()").capacity).toBe(7);
    expect(refusal(QUEUE_OPTIONS, { capacity: 7.5 })).toMatchObject({
      code: "UNJAM_INVALID_OPTION",
    });
  });

  it("takes texts, choices and flags, and says what it wants instead", () => {
    expect(readOptions(OPEN_OPTIONS, { runtime: "inline", signals: true }, "here()")).toMatchObject(
      {
        runtime: "inline",
        signals: true,
      },
    );
    expect(refusal(OPEN_OPTIONS, { runtime: "fibers" }).message).toBe(
      'here() expects runtime to be one of "threads", "inline", not "fibers"',
    );
    expect(refusal(OPEN_OPTIONS, { signals: 1 }).message).toContain("true or false, not 1");
    expect(refusal(ENQUEUE_OPTIONS, { key: "" }).message).toContain(
      "a text of 1 to 512 characters",
    );
    expect(refusal(ENQUEUE_OPTIONS, { key: "x".repeat(513) })).toMatchObject({
      code: "UNJAM_INVALID_OPTION",
    });
  });

  it("does not repeat a long value whole: it could be a secret", () => {
    const { message } = refusal(OPEN_OPTIONS, { runtime: `token-${"x".repeat(100)}` });

    expect(message).toContain("…");
    expect(message.length).toBeLessThan(150);
  });

  it("lets through what only its user can check", () => {
    const tasks = [1, 2];

    expect(readOptions(OPEN_OPTIONS, { tasks }, "here()").tasks).toBe(tasks);
  });

  it("never accepts a value that its table does not allow", () => {
    fc.assert(
      fc.property(fc.anything(), (jitter) => {
        const isAllowed =
          jitter === undefined || (typeof jitter === "number" && jitter >= 0 && jitter <= 1);
        if (isAllowed)
          expect(readOptions(BACKOFF_OPTIONS, { jitter }, "here()").jitter).toBe(jitter ?? 0.2);
        else
          expect(refusal(BACKOFF_OPTIONS, { jitter })).toMatchObject({
            code: "UNJAM_INVALID_OPTION",
          });
      }),
    );
  });
});

describe("readQueueName", () => {
  it("takes 1 to 128 of the allowed characters", () => {
    for (const name of ["a", "default", "A-z.0_9:/x", "__proto__", "x".repeat(128)]) {
      expect(readQueueName(name, "queue", "here()")).toBe(name);
    }
  });

  it("refuses every other text by name, and what is no text by its option", () => {
    for (const queue of ["", "x".repeat(129), "a b", "a\n", "é", "a\0", "*"]) {
      expect(refusal(TASK_OPTIONS, { queue })).toMatchObject({
        code: "UNJAM_QUEUE_NAME_INVALID",
        details: { name: queue },
      });
    }
    expect(refusal(TASK_OPTIONS, { queue: 5 })).toMatchObject({ code: "UNJAM_INVALID_OPTION" });
  });
});

function specsOf(table: OptionTable): readonly [string, OptionSpec][] {
  return Object.entries(table).flatMap(([name, spec]): readonly [string, OptionSpec][] =>
    spec.kind === "group" ? [[name, spec], ...specsOf(spec.of)] : [[name, spec]],
  );
}

describe.each(Object.entries(TABLES))("%s", (_, table) => {
  it("accepts its own fallbacks", () => {
    const values = readOptions(table, undefined, "here()");

    expect(readOptions(table, values, "here()")).toEqual(values);
  });

  it("says of every option what it takes and what it is about", () => {
    for (const [name, spec] of specsOf(table)) {
      expect(name).toMatch(/^[a-z][A-Za-z]*$/);
      expect(expected(spec)).not.toBe("");
      expect(spec.about).not.toBe("");
    }
  });

  it("names milliseconds where it takes them", () => {
    const named = specsOf(table).filter(([name]) => name.endsWith("Ms"));
    const taken = specsOf(table).filter(([, spec]) => spec.kind === "number" && spec.unit === "ms");

    expect(named).toEqual(taken);
  });
});
