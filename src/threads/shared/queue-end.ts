/** A shared queue in one thread: one engine, however often the thread opens the queue. */
import { SiteSampler, type Diagnostics } from "../../sync/call-site.ts";
import { defaultSyncPorts } from "../../sync/sync-ports.ts";
import { BellListener } from "./bell-listener.ts";
import { QueueEngine } from "./queue-engine.ts";
import { ID, type SharedQueueHandle, viewQueueMemory } from "./queue-memory.ts";
import { type Inherited, inheritFromWorkers } from "./thread-life.ts";

export class QueueEnd implements Inherited {
  readonly name: string;
  readonly handle: SharedQueueHandle;
  readonly engine: QueueEngine;
  readonly sites: SiteSampler;
  readonly items: BellListener;
  readonly room: BellListener;
  readonly finish: BellListener;

  private constructor(handle: SharedQueueHandle, diagnostics: Diagnostics | undefined) {
    const memory = viewQueueMemory(handle.memory, `queue "${handle.name}"`);
    const engine = new QueueEngine(memory);
    const look = (): void => engine.sweep(false);
    this.name = handle.name;
    this.handle = handle;
    this.engine = engine;
    this.sites = new SiteSampler(diagnostics, defaultSyncPorts.clock);
    const { itemBell, roomBell, endBell } = memory;
    this.items = new BellListener({
      bell: itemBell,
      look,
      isMoreThere: () => engine.isItemThere(),
    });
    this.room = new BellListener({ bell: roomBell, look, isMoreThere: () => engine.isRoomThere() });
    this.finish = new BellListener({ bell: endBell, look, isMoreThere: () => false });
    inheritFromWorkers(this);
  }

  /** The thread's own end of the queue behind a handle. @throws UNJAM_HANDLE_INVALID, UNJAM_TOO_MANY_THREADS */
  static of(handle: SharedQueueHandle, diagnostics?: Diagnostics): QueueEnd {
    const key = keyOf(handle);
    const known = ends.get(key)?.deref();
    if (known !== undefined && !known.engine.hasLeft) return known;
    const end = new QueueEnd(handle, diagnostics);
    ends.set(key, new WeakRef(end));
    unused.register(end, { key, engine: end.engine });
    return end;
  }

  threadGone(): void {
    this.engine.sweep(true);
  }
}

/** By the queue's number: the same memory arrives as another object with each message. */
const ends = new Map<string, WeakRef<QueueEnd>>();

/** A thread that has no use for a queue any more makes room for another. */
const unused = new FinalizationRegistry<{ readonly key: string; readonly engine: QueueEngine }>(
  ({ key, engine }) => {
    if (ends.get(key)?.deref() === undefined) ends.delete(key);
    engine.leave();
  },
);

function keyOf({ memory }: SharedQueueHandle): string {
  const words = new Int32Array(memory);
  return `${words[ID]} ${words[ID + 1]}`;
}
