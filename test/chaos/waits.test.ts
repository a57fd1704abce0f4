import { expect, it } from "vitest";
import { until } from "./condition.ts";
import { type RemoteApp, Workshop } from "./remote-app.ts";

const TASKS = "../../e2e/fixtures/waiting-tasks.ts";

/** A handler waits for one that does not end soon. */
async function aWait(app: RemoteApp, where: string): Promise<string> {
  const id = await app.enqueue(`patient-${where}`, { childMs: 1_500 });
  await until("it waits", async () => {
    const status = (await app.ask("status", { id })) as { note: string | null };
    return status.note === "waiting" ? true : undefined;
  });
  return id;
}

it.each(["loop", "thread", "process"])(
  "a wait on a %s goes on when the store thread is replaced under it",
  async (where) => {
    using shop = new Workshop();
    await using app = await shop.open({
      tasks: TASKS,
      work: { loop: 2, threads: 1, processes: 1 },
    });
    const id = await aWait(app, where);

    await app.ask("endThread", { id: "unjam store" });

    expect(await app.ask("result", { id, options: { waitMs: 20_000 } })).toBe("slow");
    await app.close();
  },
  60_000,
);

it("two processes find the circle that they make together", async () => {
  using shop = new Workshop();
  const settings = { tasks: TASKS, work: { loop: 0, threads: 1 } };
  await using one = await shop.open(settings);
  await using other = await shop.open(settings);

  const first = await one.enqueue("circle", { n: 0, length: 2 }, { key: "circle 0" });
  await one.call("result", { id: first, options: { waitMs: 20_000 } });
  await other.ask("join", { options: { waitMs: 20_000 } });

  const status = (await other.ask("status", { id: first })) as {
    readonly state: string;
    readonly error?: { readonly code?: string };
  };
  expect(status.state).toBe("dead");
  expect(["UNJAM_DEADLOCK", "UNJAM_JOB_FAILED"]).toContain(status.error?.code);
}, 60_000);
