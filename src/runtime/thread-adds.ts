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
  /** As the thread sent it. */
  readonly request: AddRequest;
  /** Its number here. */
  readonly batch: number;
  id: JobNumber;
}

/**
 * Enqueues made by handlers on threads, one job each. They have no ids of their own: the engine
 * takes them from a block that it reserves at the first such enqueue. Their batches are numbered
 * below zero here, which tells their answers from those for the client.
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
    // An id that the handler gives is kept; 0 asks for a new one.
    const [given = 0] = request.group.ids;
    const open: ThreadAdd = { thread, by, request, batch: --this.#lastBatch, id: given };
    this.#open.set(open.batch, open);
    if (given === 0) this.#draw(open);
    else this.#submit(open);
  }

  #draw(open: ThreadAdd): void {
    this.#ids.take(1).then(
      ([id = 0]) => {
        open.id = id;
        this.#submit(open);
      },
      (error: unknown) => {
        const outcomes = [[0, { kind: "error", error: toErrorRecord(error) }]] as const;
        this.answered({ type: "added", batch: open.batch, outcomes });
      },
    );
  }

  #submit({ request, batch, id }: ThreadAdd): void {
    this.#add([{ ...request, batch, group: { ...request.group, ids: [id] } }]);
  }

  /** Passes an answer on to the thread that asked. */
  answered(message: AddedMessage): void {
    const open = this.#open.get(message.batch);
    if (open === undefined) return;
    const { outcomes } = message;
    if (outcomes !== "added" && outcomes[0]?.[1].kind === "numberTaken") {
      // Nothing was stored, and nobody has been told the number: another one does as well.
      this.#draw(open);
      return;
    }
    this.#open.delete(message.batch);
    const { thread, id, request } = open;
    const own = { ...message, batch: request.batch };
    this.#ports.supervisor?.send({ type: "added", thread, ids: [id], message: own });
  }
}
