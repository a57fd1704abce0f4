import { toErrorRecord } from "../core/error-record.ts";
import type { JobNumber } from "../core/job.ts";
import { ID_BLOCK_SIZE, OPEN_MS_MAX } from "../core/limits.ts";
import type { RuntimePorts } from "./engine.ts";
import { IdSource } from "./id-source.ts";
import type { AddedMessage, AddRequest, FromSupervisor } from "./messages.ts";

/** One enqueue of a handler on a thread or in a process, until it is answered. */
export interface ThreadAdd {
  readonly thread: number;
  /** The job of the handler. */
  readonly by: JobNumber | null;
  readonly request: AddRequest;
  /** Its number here. */
  readonly batch: number;
  ids: readonly JobNumber[];
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
  readonly #open = new Map<number, ThreadAdd>();
  #lastBatch = 0;

  constructor(ports: RuntimePorts, add: (requests: readonly AddRequest[]) => void) {
    this.#ports = ports;
    this.#add = add;
    const { store, clock } = ports;
    this.#ids = new IdSource(() => store.reserveIds(ID_BLOCK_SIZE, clock.now() + OPEN_MS_MAX));
  }

  get open(): readonly ThreadAdd[] {
    return [...this.#open.values()];
  }

  add({ thread, by, request }: FromSupervisor & { readonly type: "add" }): void {
    const { group } = request;
    const batch = --this.#lastBatch;
    const open: ThreadAdd = { thread, by, request, batch, ids: [] };
    this.#open.set(batch, open);
    // An id that the handler repeats is kept; 0 asks for a new one.
    const wanted = group.ids.filter((id) => id === 0).length;
    this.#ids.take(wanted).then(
      (fresh) => {
        open.ids = group.ids.map((id) => (id === 0 ? (fresh.pop() ?? 0) : id));
        this.#add([{ ...request, batch, group: { ...group, ids: open.ids } }]);
      },
      (error: unknown) => {
        const outcome = { kind: "error", error: toErrorRecord(error) } as const;
        const outcomes = group.ids.map((_, index) => [index, outcome] as const);
        this.answered({ type: "added", batch, outcomes });
      },
    );
  }

  /** Passes an answer on to the thread that asked. */
  answered(message: AddedMessage): void {
    const open = this.#open.get(message.batch);
    if (open === undefined) return;
    this.#open.delete(message.batch);
    const { thread, ids, request } = open;
    const own = { ...message, batch: request.batch };
    this.#ports.supervisor?.send({ type: "added", thread, ids, message: own });
  }
}
