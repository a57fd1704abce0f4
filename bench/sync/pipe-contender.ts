import { once } from "node:events";
import { PassThrough } from "node:stream";
import { JoinableQueue } from "unjam/sync";

/** One producer that respects the bound, and one that takes what comes. */
export interface Pipe {
  readonly put: (value: number) => Promise<unknown>;
  /** Calls `take` for each, until the end. */
  readonly takeAll: (take: (value: number) => void) => Promise<void>;
  readonly end: () => void;
}

/** Items, or the high-water mark. */
const CAPACITY = 100;

function loop(): Pipe {
  const queue = new JoinableQueue<number>({ capacity: CAPACITY });
  return {
    put: (value) => queue.put(value),
    takeAll: async (take) => {
      for await (const value of queue) take(value);
    },
    end: () => queue.close(),
  };
}

function consume(): Pipe {
  const queue = new JoinableQueue<number>({ capacity: CAPACITY });
  return {
    put: (value) => queue.put(value),
    takeAll: (take) => queue.consume(take).finished,
    end: () => queue.close(),
  };
}

/** What Node brings for it: a stream of objects, read by `for await`. Nothing is unfinished in it. */
function stream(): Pipe {
  const through = new PassThrough({ objectMode: true, highWaterMark: CAPACITY });
  return {
    put: async (value) => {
      if (!through.write(value)) await once(through, "drain");
    },
    takeAll: async (take) => {
      for await (const value of through) take(Number(value));
    },
    end: () => void through.end(),
  };
}

const CONTENDERS: ReadonlyMap<string, () => Pipe> = new Map([
  ["loop", loop],
  ["consume", consume],
  ["stream", stream],
]);

export function aPipe(name: string): Pipe {
  const make = CONTENDERS.get(name);
  if (make === undefined) throw new Error(`no contender "${name}"`);
  return make();
}
