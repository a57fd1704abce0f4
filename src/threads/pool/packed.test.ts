import { MessageChannel } from "node:worker_threads";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteRing, RING_BYTES } from "./byte-ring.ts";
import {
  bodyBytesMax,
  FORMAT,
  isJsonData,
  isKept,
  isSent,
  pack,
  type Packed,
  packByPort,
  post,
  unpack,
  writeBody,
} from "./packed.ts";
import { Stages } from "./stages.ts";

/** There and back through a ring and a port, as between two threads. */
function sent(value: unknown, pack_: (into: Packed) => void = (into) => pack(value, into)) {
  const packed: Packed = { format: FORMAT.undefined, body: undefined };
  const words = new Int32Array(new SharedArrayBuffer(8));
  const ring = new ByteRing(new SharedArrayBuffer(RING_BYTES), 0, { words, tail: 0, head: 1 });
  const { port1, port2 } = new MessageChannel();
  try {
    pack_(packed);
    const { format } = packed;
    const word = ring.begin(bodyBytesMax(packed));
    if (isSent(format)) post(port1, packed);
    ring.end(writeBody(ring, word, packed));
    ring.publish();
    return { value: unpack(ring, ring.peek(), port2), format };
  } finally {
    port1.close();
  }
}

const cycle: { self?: unknown } = {};
cycle.self = cycle;
const shared = { a: 1 };

const VALUES: readonly (readonly [what: string, value: unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["booleans", [true, false]],
  ["numbers", [0, -1.5, 2 ** 53, 1e-300]],
  ["NaN", Number.NaN],
  ["-0", -0],
  ["-0 inside", { a: -0 }],
  ["infinity inside", [Number.POSITIVE_INFINITY]],
  ["bigint", 2n ** 70n],
  ["an empty text", ""],
  ["a text", "plain"],
  ["a text of many alphabets", "ä€𝄞 \u0000 \ud800"],
  ["a long text", "ü".repeat(40_000)],
  ["plain data", { a: [1, { b: null, c: "x" }], d: "ß" }],
  ["long plain data", Array.from({ length: 5_000 }, (_, index) => ({ index, text: "item" }))],
  ["a key __proto__", JSON.parse('{"__proto__":{"a":1}}')],
  ["undefined inside", { a: undefined, b: 1 }],
  ["a hole", Object.assign([1], { length: 3 })],
  ["a date", new Date(12)],
  ["a date inside", { at: new Date(12) }],
  ["a map and a set", new Map<unknown, unknown>([[1, new Set(["a"])]])],
  ["a regular expression", /a+/giu],
  ["a cycle", cycle],
  ["one object in two places", [shared, shared]],
  ["bytes", new Uint8Array([1, 2, 255])],
  ["many bytes", new Uint8Array(100_000).fill(7)],
  ["floats", new Float64Array([1.5, -2])],
  ["a buffer", new Uint8Array([5, 6]).buffer],
  ["an error", new RangeError("no", { cause: "why" })],
  ["a match with its names", /(?<year>\d+)/.exec("in 2026")],
  ["deep data", JSON.parse(`${"[".repeat(200)}${"]".repeat(200)}`)],
];

describe("a value on its way to another thread", () => {
  it.each(VALUES)("arrives as structuredClone makes it: %s", (_what, value) => {
    expect(sent(value).value).toStrictEqual(structuredClone(value));
  });

  it("arrives as structuredClone makes it, whatever it is made of", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        expect(sent(value).value).toStrictEqual(structuredClone(value));
      }),
      { numRuns: 500 },
    );
  });

  it("is one object afterwards when it was one before", () => {
    const [first, second] = sent([shared, shared]).value as [object, object];

    expect(first).toBe(second);
  });

  it("goes as JSON when JSON loses nothing", () => {
    expect(sent({ a: [1, "x", null, true] }).format).toBe(FORMAT.json);
    expect(isJsonData({ a: { toJSON: null } })).toBe(false);
    expect(isJsonData([new Date(0)])).toBe(false);
  });

  it("is what it was when it was read, whatever happens to it then", () => {
    const bytes = new Uint8Array([1]);
    const object = { a: 1 };
    const packed: Packed[] = [bytes, object].map((value) => {
      const into: Packed = { format: 0, body: undefined };
      pack(value, into);
      return into;
    });

    bytes[0] = 9;
    object.a = 9;

    expect(packed.map(({ body }) => body)).toEqual([new Uint8Array([1]), '{"a":1}']);
  });

  it("stays shared when it is shared memory", () => {
    const memory = new SharedArrayBuffer(8);

    const { value } = sent({ memory });
    new Int32Array((value as { memory: SharedArrayBuffer }).memory)[0] = 5;

    expect(new Int32Array(memory)[0]).toBe(5);
  });

  it("moves what is to be transferred", () => {
    const { buffer } = new Uint8Array([1, 2, 3]);

    const { value } = sent(buffer, (into) => packByPort({ buffer }, [buffer], into));

    expect(buffer.byteLength).toBe(0);
    expect(value).toEqual({ buffer: new Uint8Array([1, 2, 3]).buffer });
  });

  it.each([
    ["a function", () => 1],
    ["a function inside", { run: () => 1 }],
    ["a symbol", Symbol("s")],
    ["a promise", { later: Promise.resolve() }],
    ["a weak map", new WeakMap()],
  ])("is refused when it cannot be cloned: %s", (_what, value) => {
    expect(() => sent(value)).toThrow(expect.objectContaining({ name: "DataCloneError" }));
  });

  it("takes what a getter answers, and passes on what it throws", () => {
    const problem = new Error("not now");
    const bad = {
      get a(): never {
        throw problem;
      },
    };

    expect(
      sent({
        get a() {
          return 1;
        },
      }).value,
    ).toEqual({ a: 1 });
    expect(() => sent(bad)).toThrow(problem);
  });
});

describe("long bytes with stages", () => {
  it("arrive alone and unshared, and can be sent again", () => {
    const bytes = new Uint8Array(50_000).fill(7);
    const packed: Packed = { format: FORMAT.undefined, body: undefined };
    pack(bytes, packed, new Stages());

    const arrived = [1, 2].map(() => sent(bytes, (into) => void Object.assign(into, packed)).value);

    expect(isKept(packed.format)).toBe(true);
    expect(arrived).toEqual([bytes, bytes]);
    for (const value of arrived) expect((value as Uint8Array).buffer).toBeInstanceOf(ArrayBuffer);
  });
});
