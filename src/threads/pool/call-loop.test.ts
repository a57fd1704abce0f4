import { MessageChannel } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { FIELD } from "./byte-ring.ts";
import { ANSWER_STATE, CALL_STATE, CallLoop, type PoolFunction } from "./call-loop.ts";
import { bodyBytesMax, type Packed, pack, unpack, writeBody } from "./packed.ts";
import { newBoardMemory, SLEEP, ThreadBoard, WORD } from "./thread-board.ts";

/** A loop over one function, in this thread: what would sleep waits for the test instead. */
function aLoop(run: PoolFunction) {
  const memory = newBoardMemory();
  const main = new ThreadBoard(memory);
  const bell = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  port1.unref();
  const later: (() => void)[] = [];
  const loop = new CallLoop({
    ...{ board: new ThreadBoard(memory), bell, port: port1, functions: [run] },
    host: {
      now: () => performance.now(),
      soon: (next) => later.push(next),
      afterMicrotasks: (next) => later.push(next),
      isLoopNeeded: () => false,
      heapBytes: () => 0,
    },
  });
  const write = (id: number, value: unknown): number => {
    const packed: Packed = { format: 0, body: undefined };
    pack(value, packed);
    const word = main.calls.begin(bodyBytesMax(packed));
    main.calls.words[word + FIELD.id] = id;
    main.calls.words[word + FIELD.name] = 0;
    main.calls.words[word + FIELD.state] = CALL_STATE.waiting;
    main.calls.setCell(word, 0, performance.now() + 1_000);
    main.calls.setCell(word, 1, performance.now());
    main.calls.end(writeBody(main.calls, word, packed));
    main.calls.publish();
    return word;
  };
  const answers = (): unknown[] => {
    const found: unknown[] = [];
    for (let word = main.answers.peek(); word >= 0; word = main.answers.peek()) {
      const { words } = main.answers;
      const value = unpack(main.answers, word, port2);
      const isReturned = words[word + FIELD.state] === ANSWER_STATE.returned;
      found.push([words[word + FIELD.id], isReturned ? value : "threw"]);
      main.answers.consume(word);
    }
    return found;
  };
  return { loop, main, bell, write, answers, later };
}

describe("the loop of a pool's thread", () => {
  it("answers what it was given, in order, and throws nothing", () => {
    const scene = aLoop((input) => {
      if (input === "bad") throw new Error("bad");
      return input;
    });
    scene.write(3, "a");
    scene.write(4, "bad");
    scene.write(5, { b: 1 });

    scene.loop.start();

    expect(scene.answers()).toEqual([
      [3, "a"],
      [4, "threw"],
      [5, { b: 1 }],
    ]);
  });

  it("shows an answer before it begins the next call, which may end the thread", () => {
    const seen: unknown[] = [];
    const scene = aLoop((input) => {
      seen.push(scene.answers());
      return input;
    });
    scene.write(1, "a");
    scene.write(2, "b");

    scene.loop.start();

    expect(seen).toEqual([[], [[1, "a"]]]);
  });

  it("gives the room of a call back before it answers it", () => {
    const roomGiven: boolean[] = [];
    const scene = aLoop(() => {
      roomGiven.push(scene.main.calls.isUnreleased(positions[roomGiven.length] ?? 0));
    });
    const positions = [0, 48];
    scene.write(1, "a");
    scene.write(2, "b");

    scene.loop.start();

    expect(roomGiven).toEqual([false, false]);
  });

  it("says which call it runs, and that it runs none", () => {
    const running: unknown[] = [];
    const scene = aLoop(() => {
      running.push(scene.main.running);
    });
    scene.write(7, null);

    scene.loop.start();

    expect([...running, scene.main.running]).toEqual([7, undefined]);
    expect(scene.main.words[WORD.begun]).toBe(1);
  });

  it("leaves out what was withdrawn, and wakes main for the room", () => {
    const ran: unknown[] = [];
    const scene = aLoop((input) => ran.push(input));
    const word = scene.write(1, "a");
    scene.main.calls.words[word + FIELD.state] = CALL_STATE.withdrawn;
    scene.bell[0] = 1;

    scene.loop.start();

    expect(ran).toEqual([]);
    expect(scene.bell[0]).toBe(0);
  });

  it("begins no call once it was told to stop, and goes on when that is taken back", async () => {
    const ran: unknown[] = [];
    const scene = aLoop((input) => ran.push(input));
    scene.write(1, "a");
    scene.main.words[WORD.stop] = 1;

    scene.loop.start();
    const before = [...ran];
    scene.main.words[WORD.stop] = 0;
    scene.main.wake();
    while (ran.length === 0) await new Promise<void>((resolve) => setImmediate(resolve));

    expect(before).toEqual([]);
    expect(ran).toEqual(["a"]);
    expect(scene.main.words[WORD.sleep]).toBe(SLEEP.awake);
  });

  it("hears an abort of the call that runs only", async () => {
    const settled = Promise.withResolvers<void>();
    let signal: AbortSignal | undefined;
    const scene = aLoop((_input, context) => {
      ({ signal } = context);
      return settled.promise;
    });
    scene.write(9, null);
    scene.loop.start();

    scene.loop.abort(8, new Error("another"));
    const before = signal?.aborted;
    scene.loop.abort(9, new Error("this one"));

    expect([before, signal?.aborted]).toEqual([false, true]);
    expect(scene.main.words[WORD.abortHeard]).toBe(10);
    settled.resolve();
  });
});
