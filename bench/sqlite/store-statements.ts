import { DatabaseSync } from "node:sqlite";
import { NumberMap } from "../../src/core/number-map.ts";
import { addGroup } from "../../src/store/sqlite/add-jobs.ts";
import { claimJobs } from "../../src/store/sqlite/claim-jobs.ts";
import { pruneJobs } from "../../src/store/sqlite/command-jobs.ts";
import { type Connection, openConnection } from "../../src/store/sqlite/connection.ts";
import { settleJobs } from "../../src/store/sqlite/settle-jobs.ts";
import { Transaction } from "../../src/store/sqlite/transaction.ts";
import { normalized } from "./raw-statements.ts";

const ID = 1;
const OWNER = 1;

/** Every statement that the store runs in the life of one plain job, by letting it run one in `file`. */
export function storeStatements(file: string): ReadonlySet<string> {
  const connection = openConnection(file, (path) => new DatabaseSync(path));
  const statements = record(connection);
  connection.db.exec("BEGIN IMMEDIATE");
  const clock = { now: () => 0, wallNow: () => 0 };
  const tx = new Transaction(connection, { queues: new Map(), tasks: new Map() }, clock);
  const shape = { queue: "default", task: "noop", priority: 0, ...NOTHING_SPECIAL };
  addGroup(tx, {
    shape,
    capacity: null,
    ids: [ID],
    payloads: ["{}"],
    atomic: false,
    overflow: "refuse",
  });
  const leased = new NumberMap<number>();
  const slots = [{ queue: "default", tasks: ["noop"], limit: 1 }];
  // Announced after the add: the raw loop claims what is ready, it hands nothing over.
  const offers = tx.handover.announce({ owner: OWNER, slots });
  const [job] = claimJobs(tx, offers, leased);
  if (job === undefined) throw new Error("the store did not give the job that was just added");
  const outcome = { event: "succeed", result: null, error: null, keepMs: 0 } as const;
  settleJobs(tx, [{ id: ID, token: job.token, outcome }], leased);
  tx.flush();
  // Announced before the add: that one is handed over.
  const next = new Transaction(connection, { queues: new Map(), tasks: new Map() }, clock);
  next.handover.announce({ owner: OWNER, slots });
  addGroup(next, {
    shape,
    capacity: null,
    ids: [ID + 1],
    payloads: ["{}"],
    atomic: false,
    overflow: "refuse",
  });
  // Counts are written by flush; pruning reads them.
  pruneJobs(tx, { limit: 1, doneCountMax: 0 });
  connection.db.exec("ROLLBACK");
  connection.close();
  return statements;
}

const NOTHING_SPECIAL = { runAt: null, expireAt: null, key: null, callerId: null, extra: null };

function record(connection: Connection): ReadonlySet<string> {
  const statements = new Set<string>();
  const prepare = connection.prepare.bind(connection);
  connection.prepare = (sql) => {
    statements.add(normalized(sql));
    return prepare(sql);
  };
  return statements;
}
