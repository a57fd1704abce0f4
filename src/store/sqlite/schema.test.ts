import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { ManualClock } from "../../../test/conformance/manual-clock.ts";
import { anOwner, aShape } from "../../../test/conformance/scene.ts";
import { parseErrorRecord } from "../../core/error-record.ts";
import { isUnjamError } from "../../core/errors.ts";
import type { ClaimSlot, Store } from "../store.ts";
import { openSqliteStore } from "./open-sqlite.ts";
import { APPLICATION_ID, MIGRATIONS } from "./schema.ts";

/** A file as the first version left it, with two ready jobs of which one was lost three times. */
function makeOldFile(file: string): void {
  using db = new DatabaseSync(file);
  db.exec(MIGRATIONS[0] ?? "");
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA journal_mode = WAL;
    INSERT INTO queues(id, name, ready, place) VALUES (1, 'mail', 2, 2);
    INSERT INTO tasks(id, name) VALUES (1, 'send');
    INSERT INTO jobs(id, queue, task, state, priority, place, losses, created_at, payload)
    VALUES (1, 1, 1, 1, 4, 0, 3, 0, '{}'), (2, 1, 1, 1, 4, 1, 1, 0, '{}');`);
}

/** A store in a folder of its own, and the file behind its back. */
class Scene implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly store: Store;
  readonly file: string;
  readonly #folder: string;

  private constructor(folder: string, store: Store, clock: ManualClock) {
    this.#folder = folder;
    this.file = join(folder, "jobs.db");
    this.store = store;
    this.clock = clock;
  }

  static async open(): Promise<Scene> {
    const folder = mkdtempSync(join(tmpdir(), "unjam-schema-"));
    const clock = new ManualClock();
    const store = await openSqliteStore(join(folder, "jobs.db"), clock.ports);
    return new Scene(folder, store, clock);
  }

  get deadline(): number {
    return this.clock.now() + 10_000;
  }

  /** What a newer build may have written. */
  change(sql: string): void {
    using db = new DatabaseSync(this.file);
    db.exec(sql);
  }

  async add(ids: readonly number[], task = "send"): Promise<void> {
    const group = { shape: aShape({ task }), capacity: null, atomic: false } as const;
    const payloads = ids.map(() => "{}");
    await this.store.add([{ ...group, ids, payloads, overflow: "refuse" }], this.deadline);
  }

  async claim(slot: Partial<ClaimSlot> = {}): Promise<readonly number[]> {
    const slots = [{ queue: "mail", tasks: ["send"], limit: 10, ...slot }];
    const claimed = await this.store.claim({ owner: 1, slots }, this.deadline);
    return claimed.map(({ id }) => id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    rmSync(this.#folder, { recursive: true });
  }
}

describe("a file of the first version", () => {
  it("is brought up to date when it is opened: its suspects are set apart", async () => {
    const folder = mkdtempSync(join(tmpdir(), "unjam-schema-"));
    const file = join(folder, "jobs.db");
    makeOldFile(file);
    const clock = new ManualClock();

    const store = await openSqliteStore(file, clock.ports);
    const slot = { queue: "mail", tasks: ["send"], limit: 10 };
    const slots = [
      { ...slot, suspects: "without" },
      { ...slot, suspects: "only" },
    ] as const;
    const claimed = await store.claim({ owner: 1, slots }, clock.now() + 10_000);
    const records = await store.get([1, 2]);
    await store.close();
    rmSync(folder, { recursive: true });

    expect(claimed.map(({ id, losses }) => [id, losses])).toEqual([
      [2, 1],
      [1, 3],
    ]);
    expect(records.map(({ priority }) => priority)).toEqual([4, 4]);
  });
});

describe("a job in a format of a newer build", () => {
  it.each<[string, Partial<ClaimSlot>]>([
    ["of one task", {}],
    ["of several tasks", { tasks: ["send", "draw"] }],
    ["by name", { ids: [1, 2, 3, 4] }],
    ["without suspects", { suspects: "without" }],
  ])("is passed over by a claim %s", async (_which, slot) => {
    await using scene = await Scene.open();
    await scene.add([1, 2, 3, 4]);
    scene.change("UPDATE jobs SET format = 2 WHERE id IN (1, 3)");

    expect(await scene.claim(slot)).toEqual([2, 4]);
    expect(await scene.claim(slot)).toEqual([]);
    expect(await scene.store.get([1, 3])).toMatchObject([
      { id: 1, state: "ready", token: 0, payload: "{}" },
      { id: 3, state: "ready", token: 0 },
    ]);
  });

  it("is passed over as a suspect too", async () => {
    await using scene = await Scene.open();
    await scene.add([1, 2]);
    scene.change(
      "UPDATE jobs SET losses = 2, priority = 10; UPDATE jobs SET format = 2 WHERE id = 1",
    );

    expect(await scene.claim({ suspects: "only" })).toEqual([2]);
  });

  it("does not keep what is added behind it from being taken at once", async () => {
    await using scene = await Scene.open();
    await scene.add([1]);
    scene.change("UPDATE jobs SET format = 2");

    const [, claimed] = await Promise.all([scene.add([2]), scene.claim()]);

    expect(claimed).toEqual([2]);
  });

  it("is listed, counted, and can be cancelled and dropped", async () => {
    await using scene = await Scene.open();
    await scene.add([1, 2]);
    scene.change("UPDATE jobs SET format = 2");
    const query = { queue: null, states: ["ready"], limit: 10, after: null } as const;

    const listed = await scene.store.list(query);
    const queues = await scene.store.queues();
    const request = { ids: [1], keepMs: 1_000, error: "{}" };
    const cancelled = await scene.store.cancel(request, scene.deadline);
    const group = { shape: aShape(), capacity: 1, atomic: false, overflow: "drop-oldest" } as const;
    await scene.store.join(anOwner({ queues: ["mail"] }), scene.deadline);
    const added = await scene.store.add([{ ...group, ids: [3], payloads: ["{}"] }], scene.deadline);

    expect(listed.map(({ id }) => id)).toEqual([1, 2]);
    expect(queues).toMatchObject([{ counts: { ready: 2 } }]);
    expect(cancelled).toEqual([1]);
    expect(added).toEqual([[{ kind: "displaced", capacity: 1, dropped: [2] }]]);
  });

  it("that is done says that its result cannot be read here", async () => {
    await using scene = await Scene.open();
    await scene.add([1]);
    scene.change("UPDATE jobs SET format = 2, state = 3, result = 'zstd:KLUv'");

    const [record] = await scene.store.get([1]);

    expect(record).toMatchObject({ state: "done", result: null });
    expect(parseErrorRecord(record?.error ?? "")).toMatchObject({
      code: "UNJAM_SCHEMA_NEWER",
      details: { file: "job j_1", needed: 2, known: 1 },
    });
  });
});

describe("a file that only newer builds may read", () => {
  it("is not opened", async () => {
    await using scene = await Scene.open();
    scene.change("UPDATE unjam_meta SET value = 9 WHERE name = 'min_reader'");

    const opened = openSqliteStore(scene.file, scene.clock.ports);

    await expect(opened).rejects.toMatchObject({
      code: "UNJAM_SCHEMA_NEWER",
      details: { needed: 9 },
    });
  });

  it("is neither read nor written any more by one that has it open", async () => {
    await using scene = await Scene.open();
    const { store } = scene;
    await scene.add([1]);
    scene.change("UPDATE unjam_meta SET value = 9 WHERE name = 'min_reader'");

    const calls = [
      store.get([1]),
      store.list({ queue: null, states: null, limit: 10, after: null }),
      store.queues(),
      store.owners(10),
      scene.claim(),
      scene.add([2]),
    ];

    const codes = await Promise.all(calls.map((call) => call.catch(codeOf)));
    expect(codes).toEqual(calls.map(() => "UNJAM_SCHEMA_NEWER"));
  });

  it("may still be read by one that may not write it", async () => {
    await using scene = await Scene.open();
    await scene.add([1]);
    scene.change("UPDATE unjam_meta SET value = 9 WHERE name = 'min_writer'");

    expect(await scene.store.get([1])).toMatchObject([{ id: 1 }]);
    await expect(scene.add([2])).rejects.toMatchObject({ code: "UNJAM_SCHEMA_NEWER" });
  });
});

function codeOf(error: unknown): unknown {
  return isUnjamError(error) ? error.code : error;
}
