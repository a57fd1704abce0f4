import { describe, expect, it } from "vitest";
import { isUnjamError } from "./errors.ts";
import { PAYLOAD_BYTES_MAX, PAYLOAD_DEPTH_MAX } from "./limits.ts";
import { serializePayload } from "./payload.ts";

/** The code of the refusal, or how many bytes of UTF-8 were let in. */
function outcomeOf(input: unknown): string | number {
  try {
    return Buffer.byteLength(serializePayload(input, "resize"));
  } catch (error) {
    return isUnjamError(error) ? error.code : String(error);
  }
}

/** A text whose JSON has exactly so many bytes: of one character, and what is left of "x". */
function textOf(character: string, bytes: number): string {
  const width = Buffer.byteLength(JSON.stringify(character)) - 2;
  const count = Math.floor((bytes - 2) / width);
  return character.repeat(count) + "x".repeat(bytes - 2 - count * width);
}

/** An object in an array in an object … */
function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { value };
  return value;
}

describe("a payload", () => {
  it.each([
    ["one byte", "x"],
    ["two bytes", "é"],
    ["three bytes", "…"],
    ["four bytes", "🦕"],
    ["an escape of two bytes", "\n"],
    ["an escape of six bytes", "\u0001"],
    ["half a surrogate pair, which JSON escapes", "\uD83E"],
  ])("of characters of %s fits to the byte", (_what, character) => {
    expect(outcomeOf(textOf(character, PAYLOAD_BYTES_MAX))).toBe(PAYLOAD_BYTES_MAX);
    expect(outcomeOf(textOf(character, PAYLOAD_BYTES_MAX + 1))).toBe("UNJAM_PAYLOAD_TOO_LARGE");
  });

  it("may be as deep as the limit, in arrays and objects, and not deeper", () => {
    expect(outcomeOf(nested(PAYLOAD_DEPTH_MAX))).toBeTypeOf("number");
    expect(outcomeOf(nested(PAYLOAD_DEPTH_MAX + 1))).toBe("UNJAM_PAYLOAD_TOO_DEEP");
  });

  it("that is too deep for JSON itself is refused, and the stack is none the worse", () => {
    expect(outcomeOf(nested(1_000_000))).toBe("UNJAM_PAYLOAD_NOT_SERIALIZABLE");
    expect(outcomeOf(1)).toBe(1);
  });

  it("with brackets, quotes and backslashes in its texts is as deep as it is", () => {
    const input = { '["\\': ['"[{'.repeat(200), "\\[".repeat(200)] };

    expect(outcomeOf(input)).toBe(JSON.stringify(input).length);
  });

  it.each([
    ["a revoked proxy", revoked()],
    ["a BigInt deep inside", { a: [{ b: 1n }] }],
    ["a toJSON that answers undefined", { toJSON: () => undefined }],
    ["a toJSON that answers a function", { toJSON: () => () => 1 }],
    ["a toJSON that throws nothing", { toJSON: () => throwing(undefined) }],
    ["a toJSON that throws an error whose message throws", { toJSON: () => throwing(spiteful()) }],
  ])("that is %s is refused by its code", (_what, input) => {
    expect(outcomeOf(input)).toBe("UNJAM_PAYLOAD_NOT_SERIALIZABLE");
  });
});

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function throwing(thrown: unknown): never {
  throw thrown;
}

function spiteful(): Error {
  return Object.defineProperty(new Error("hidden"), "message", {
    get: () => throwing(new Error("asked")),
  });
}
