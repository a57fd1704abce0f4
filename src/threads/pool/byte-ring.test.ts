import { describe, expect, it } from "vitest";
import { ByteRing, FIELD, HEADER_BYTES, RING_BYTES } from "./byte-ring.ts";

/** Both ends of one ring. */
function aRing() {
  const words = new Int32Array(new SharedArrayBuffer(8));
  const memory = new SharedArrayBuffer(RING_BYTES);
  const shared = { words, tail: 0, head: 1 };
  return {
    words,
    producer: new ByteRing(memory, 0, shared),
    consumer: new ByteRing(memory, 0, shared),
  };
}

function write(ring: ByteRing, text: string): boolean {
  const word = ring.begin(3 * text.length);
  if (word < 0) return false;
  const bytes = ring.writeText(word, text);
  ring.words[word + FIELD.format] = bytes === text.length ? 1 : 0;
  ring.end(bytes);
  ring.publish();
  return true;
}

function read(ring: ByteRing): string | undefined {
  const word = ring.peek();
  if (word < 0) return undefined;
  const text = ring.readText(word, ring.words[word + FIELD.format] === 1);
  ring.consume(word);
  ring.release();
  return text;
}

describe("a byte ring", () => {
  it("gives records back in the order they were written", () => {
    const { producer, consumer } = aRing();

    write(producer, "one");
    write(producer, "two, and longer than the loop over characters takes");
    write(producer, "drei äöü €");

    expect([read(consumer), read(consumer), read(consumer), read(consumer)]).toEqual([
      "one",
      "two, and longer than the loop over characters takes",
      "drei äöü €",
      undefined,
    ]);
  });

  it("shows nothing before it is published", () => {
    const { producer, consumer } = aRing();

    const word = producer.begin(8);
    producer.words[word + FIELD.format] = 1;
    producer.end(producer.writeText(word, "x"));
    const before = consumer.peek();
    producer.publish();

    expect(before).toBe(-1);
    expect(read(consumer)).toBe("x");
  });

  it("refuses what does not fit, and takes it once room was released", () => {
    const { producer, consumer } = aRing();
    const text = "x".repeat(1_000);
    let written = 0;
    while (write(producer, text)) written++;

    const isFull = !write(producer, text);
    for (let count = 0; count < 4; count++) read(consumer);

    expect(isFull).toBe(true);
    expect(written).toBeGreaterThan(200);
    expect(write(producer, text)).toBe(true);
  });

  it("carries records of all lengths over its end", () => {
    const { producer, consumer } = aRing();
    const textOf = (index: number): string => `${index} ${"y".repeat((index * 37) % 900)}`;
    const wrong: string[] = [];
    let sent = 0;
    let got = 0;

    while (got < 20_000) {
      while (write(producer, textOf(sent))) sent++;
      for (let text = read(consumer); text !== undefined; text = read(consumer)) {
        if (text !== textOf(got)) wrong.push(text);
        got++;
      }
    }

    expect(wrong).toEqual([]);
  });

  it("lists what the consumer has not passed", () => {
    const { producer, consumer } = aRing();
    for (const text of ["a", "b", "c"]) write(producer, text);
    read(consumer);

    const unread = [...producer.unread()].map((word) => producer.readText(word, true));

    expect(unread).toEqual(["b", "c"]);
  });

  it("knows whether the record at a position still lies there", () => {
    const { producer, consumer } = aRing();
    const word = producer.begin(8);
    const position = producer.end(producer.writeText(word, "x"));
    producer.publish();

    const before = producer.isUnreleased(position);
    read(consumer);

    expect(before).toBe(true);
    expect(producer.isUnreleased(position)).toBe(false);
  });

  it("keeps bytes and numbers as they are", () => {
    const { producer, consumer } = aRing();
    const word = producer.begin(24);
    producer.setCell(word, 0, Math.PI);
    producer.setCell(word, 1, -0);
    producer.writeBytes(word, new Uint8Array([0, 255, 7]));
    producer.end(3);
    producer.publish();

    const found = consumer.peek();

    expect(consumer.cell(found, 0)).toBe(Math.PI);
    expect(consumer.cell(found, 1)).toBe(-0);
    expect([...consumer.readBytes(found)]).toEqual([0, 255, 7]);
    expect(consumer.words[found + FIELD.size]).toBe(HEADER_BYTES + 8);
  });
});
