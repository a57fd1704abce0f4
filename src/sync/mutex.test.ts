import { describe, expect, it } from "vitest";
import { isUnjamError } from "../core/errors.ts";
import { Mutex } from "./mutex.ts";

/** Long enough for a look and its confirmation, by turns instead of time. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "fulfilled";
  } catch (error) {
    return isUnjamError(error) ? error.code : String(error);
  }
}

describe("a holder that waits for itself", () => {
  it("is refused when it locks again, with try and finally", async () => {
    const m = new Mutex({ name: "m" });
    async function twice(): Promise<void> {
      const guard = await m.lock();
      try {
        await m.lock();
      } finally {
        guard.release();
      }
    }
    expect(await codeOf(twice())).toBe("UNJAM_DEADLOCK");
  });
  it("is refused when it locks again, with using", async () => {
    const m = new Mutex({ name: "m" });
    async function twice(): Promise<void> {
      using _ = await m.lock();
      await turns(2);
      await m.lock();
    }
    expect(await codeOf(twice())).toBe("UNJAM_DEADLOCK");
  });
  it("in the test body", async () => {
    const m = new Mutex({ name: "m" });
    using _ = await m.lock();
    let code;
    try {
      await m.lock();
    } catch (e) {
      code = e.code;
      console.log(e.message);
    }
    expect(code).toBe("UNJAM_DEADLOCK");
  });
  it("in the test body, plain", async () => {
    const m = new Mutex({ name: "m" });
    await m.lock();
    let code;
    try {
      await m.lock({ waitMs: 500 });
    } catch (e) {
      code = e.code;
      console.log(e.message, e.details);
    }
    expect(code).toBe("UNJAM_DEADLOCK");
  });
});
