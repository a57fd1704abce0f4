import { describe, expect, it } from "vitest";
import { ERRORS } from "./error-table.ts";
import { type ErrorCode, isUnjamError, UnjamError } from "./errors.ts";

const CODES = Object.keys(ERRORS) as ErrorCode[];

function anError(): UnjamError<"UNJAM_QUEUE_FULL"> {
  return new UnjamError("UNJAM_QUEUE_FULL", { queue: "mail", capacity: 5, waitedMs: 30 });
}

describe("the error table", () => {
  it.each(CODES)("says of %s what to do, with an HTTP status and an exit code", (code) => {
    const { help, httpStatus, exitCode } = ERRORS[code];

    expect(code).toMatch(/^UNJAM_[A-Z_]+$/);
    expect(help).toMatch(/[.)]$/);
    expect(httpStatus).toBeGreaterThanOrEqual(400);
    expect(httpStatus).toBeLessThan(600);
    expect([1, 2, 3, 4, 124]).toContain(exitCode);
  });
});

describe("an UnjamError", () => {
  it("has its code, its details and a message with the values in it", () => {
    const error = anError();

    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe("UnjamError");
    expect(error.code).toBe("UNJAM_QUEUE_FULL");
    expect(error.details).toEqual({ queue: "mail", capacity: 5, waitedMs: 30 });
    for (const value of ["mail", "5", "30 ms"]) expect(error.message).toContain(value);
  });

  it("takes help, HTTP status and exit code from the table", () => {
    const { help, httpStatus, exitCode } = ERRORS.UNJAM_QUEUE_FULL;

    expect(anError()).toMatchObject({ help, httpStatus, exitCode });
  });

  it("keeps its cause", () => {
    const cause = new Error("disk");

    expect(new UnjamError("UNJAM_STORE_LOST", { reason: "x" }, { cause }).cause).toBe(cause);
    expect("cause" in anError()).toBe(false);
  });

  it("becomes plain data without its stack", () => {
    const { code, message, help, details } = anError();

    expect(JSON.parse(JSON.stringify(anError()))).toEqual({ code, message, help, details });
  });

  it("says when there is nothing to name", () => {
    const details = { queue: "mail", capacity: 5 };
    const never = new UnjamError("UNJAM_NO_CONSUMER", { ...details, lastConsumer: null });
    const lastConsumer = { worker: "w1", goneMs: 70, reason: "killed" };
    const gone = new UnjamError("UNJAM_NO_CONSUMER", { ...details, lastConsumer });

    expect(never.message).toContain("never had one");
    for (const value of ["w1", "70 ms", "killed"]) expect(gone.message).toContain(value);
  });

  it("names the first unfinished job of a join, and its holder when there is one", () => {
    const job = {
      id: "j_1",
      task: "send",
      queue: "mail",
      state: "leased",
      holder: "w1",
      sinceMs: 4,
    };
    const joinOf = (...unfinished: (typeof job)[]): string =>
      new UnjamError("UNJAM_JOIN_TIMEOUT", {
        waitedMs: 9,
        unfinishedCount: unfinished.length,
        unfinished,
      }).message;

    expect(joinOf(job, { ...job, id: "j_2" })).toContain(
      "2 unfinished after 9 ms; first: j_1 (send)",
    );
    expect(joinOf(job)).toContain("by w1");
    expect(joinOf()).toBe("0 unfinished after 9 ms");
  });
});

describe("isUnjamError", () => {
  it("knows ours, and a code when one is asked for", () => {
    expect(isUnjamError(anError())).toBe(true);
    expect(isUnjamError(anError(), "UNJAM_QUEUE_FULL")).toBe(true);
    expect(isUnjamError(anError(), "UNJAM_CLOSED")).toBe(false);
  });

  it("knows those of another copy of the package", () => {
    const other = Object.assign(new Error("closed"), { name: "UnjamError", code: "UNJAM_CLOSED" });

    expect(isUnjamError(other, "UNJAM_CLOSED")).toBe(true);
  });

  it("knows nothing else", () => {
    const plain = { name: "UnjamError", code: "UNJAM_CLOSED", message: "" };
    const nameless = Object.assign(new Error("x"), { code: "UNJAM_CLOSED" });
    const codeless = Object.assign(new Error("x"), { name: "UnjamError" });

    for (const value of [plain, nameless, codeless, null, undefined, "UNJAM_CLOSED"]) {
      expect(isUnjamError(value)).toBe(false);
    }
  });
});
