import { toErrorRecord } from "../core/error-record.ts";
import type { JobNumber } from "../core/job.ts";
import { ID_BLOCK_SIZE, OPEN_MS_MAX } from "../core/limits.ts";
import type { RuntimePorts } from "./engine.ts";
import { IdSource } from "./id-source.ts";
import type { AddedMessage, AddRequest } from "./messages.ts";

/** One job on its way in. */
interface Origin {
  readonly thread: number;
  /** As the thread sent it. */
  readonly request: AddRequest;
  readonly id: JobNumber;
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
  readonly #origins = new Map<number, Origin>();
  #lastBatch = 0;

  constructor(ports: RuntimePorts, add: (requests: readonly AddRequest[]) => void) {
    this.#ports = ports;
    this.#add = add;
    const { store, clock } = ports;
    this.#ids = new IdSource(() => store.reserveIds(ID_BLOCK_SIZE, clock.now() + OPEN_MS_MAX));
  }

  add(thread: number, request: AddRequest): void {
    // An id that the handler gives is kept; 0 asks for a new one.
    const [given = 0] = request.group.ids;
    if (given !== 0) this.#submit({ thread, request, id: given });
    else this.#submitNew(thread, request);
  }

  #submitNew(thread: number, request: AddRequest): void {
    this.#ids.take(1).then(
      ([id = 0]) => this.#submit({ thread, request, id }),
      (error: unknown) => {
        const outcomes = [[0, { kind: "error", error: toErrorRecord(error) }]] as const;
        const { batch } = request;
        this.#answer({ thread, request, id: 0 }, { type: "added", batch, outcomes });
      },
    );
  }

  #submit(origin: Origin): void {
    const { request, id } = origin;
    const own = --this.#lastBatch;
    this.#origins.set(own, origin);
    this.#add([{ ...request, batch: own, group: { ...request.group, ids: [id] } }]);
  }

  /** Passes an answer on to the thread that asked. */
  answered(message: AddedMessage): void {
    const origin = this.#origins.get(message.batch);
    if (origin === undefined) return;
    this.#origins.delete(message.batch);
    const { thread, request } = origin;
    const { outcomes } = message;
    if (outcomes === "added" || outcomes[0]?.[1].kind !== "numberTaken") {
      this.#answer(origin, { ...message, batch: request.batch });
    } else {
      // Nothing was stored, and nobody has been told the number: another one does as well.
      this.#submitNew(thread, request);
    }
  }

  #answer({ thread, id }: Origin, message: AddedMessage): void {
    this.#ports.supervisor?.send({ type: "added", thread, ids: [id], message });
  }
}
