/** Messages to a thread and back over two queues in shared memory, beside bare rings. */
import type { Bench, Case, Implementation } from "../suite.ts";

const CONTENDERS = [
  ["unjam SharedQueue", "queue", "ours"],
  ["bare ring, one producer, one consumer", "ring", "limit"],
] as const;

export function sharedQueueCase({ isTiny }: Bench): Case {
  const items = isTiny ? 10_000 : 500_000;
  return {
    name: "shared-queue",
    about: `${items} JSON messages to a thread and back, 1,024 on the way`,
    measure: "opsPerS",
    better: "higher",
    columns: [{ metric: "opsPerS", title: "round trips/s", digits: 0 }],
    implementations: CONTENDERS.map(([name, contender, role]): Implementation => ({
      ...{ name, role, durability: "none: in memory" },
      script: new URL("shared-queue.ts", import.meta.url),
      settings: { contender, items },
    })),
    gates: [],
  };
}
