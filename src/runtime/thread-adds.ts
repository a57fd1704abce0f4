import { toErrorRecord } from "../core/error-record.ts";
import type { JobNumber } from "../core/job.ts";
import { ID_BLOCK_SIZE, OPEN_MS_MAX } from "../core/limits.ts";
import type { RuntimePorts } from "./engine.ts";
import { IdSource } from "./id-source.ts";
import type { AddedMessage, AddRequest } from "./messages.ts";

interface Origin {
  readonly thread: number;
  readonly batch: number;
  readonly ids: readonly JobNumber[];
}

/**
 * Enqueues made by handlers on threads. They have no ids of their own: the engine takes them from
 * a block that it reserves at the first such enqueue. Their batches are numbered below zero here,
 * which tells their answers from those for the client.
 */
export class ThreadAdds {
  readonly #ports: RuntimePorts;
  readonly #add: (requests: readonly AddRequest[]) => void;
  readonly #ids: IdSource;
  readonly #origins = new Map<number, Origin>();
  #lastBatch = 0;

  constructor(ports: RuntimePorts, add: (requests: readonly AddRequest[]) => void) {
    this.#ports = ports;
    this.#add = add;
    const { store, clock } = ports;
    this.#ids = new IdSource(() => store.reserveIds(ID_BLOCK_SIZE, clock.now() + OPEN_MS_MAX));
  }

  add(thread: number, request: AddRequest): void {
    const { batch, group } = request;
    // An id that the handler repeats is kept; 0 asks for a new one.
    const wanted = group.ids.filter((id) => id === 0).length;
    this.#ids.take(wanted).then(
      (fresh) => {
        const ids = group.ids.map((id) => (id === 0 ? (fresh.pop() ?? 0) : id));
        const own = --this.#lastBatch;
        this.#origins.set(own, { thread, batch, ids });
        this.#add([{ ...request, batch: own, group: { ...group, ids } }]);
      },
      (error: unknown) => {
        const outcome = { kind: "error", error: toErrorRecord(error) } as const;
        const outcomes = group.ids.map((_, index) => [index, outcome] as const);
        this.#answer({ thread, batch, ids: [] }, { type: "added", batch, outcomes });
      },
    );
  }

  /** Passes an answer on to the thread that asked. */
  answered(message: AddedMessage): void {
    const origin = this.#origins.get(message.batch);
    if (origin === undefined) return;
    this.#origins.delete(message.batch);
    this.#answer(origin, { ...message, batch: origin.batch });
  }

  #answer({ thread, ids }: Origin, message: AddedMessage): void {
    this.#ports.supervisor?.send({ type: "added", thread, ids, message });
  }
}
