import { expect, it } from "vitest";
import { ANSWER_SLACK_MS, WAIT_MS_DEFAULT } from "../core/limits.ts";
import { ClockedApp } from "../../test/runtime/clocked-app.ts";
import type { App } from "./app.ts";
import { task } from "./task.ts";

const CALLS: readonly (readonly [
  name: string,
  method: "cancel" | "revive",
  call: (app: App) => Promise<unknown>,
])[] = [
  ["job.cancel()", "cancel", (app) => app.job("mine").cancel()],
  ["app.retry()", "revive", (app) => app.retry(["mine"])],
];

it.each(CALLS)("%s by a caller's own id asks twice, with one deadline", async (_, method, call) => {
  const noted = task("noted", {}, async () => 1);
  await using scene = await ClockedApp.open({ tasks: [noted] });
  await scene.now(scene.app.enqueue(noted, {}, { id: "mine", delayMs: 600_000 }));
  scene.gate.hold("get");
  scene.gate.hold(method);
  const refused = call(scene.app).catch((error: unknown) => error);

  await scene.clock.advance(WAIT_MS_DEFAULT / 2);
  scene.gate.release("get");
  await scene.clock.settle();
  const askedTwice = scene.gate.countOf(method);
  await scene.clock.advance(WAIT_MS_DEFAULT / 2 + ANSWER_SLACK_MS);

  expect(askedTwice).toBe(1);
  expect(await scene.now(refused)).toMatchObject({
    code: "UNJAM_WAIT_TIMEOUT",
    details: { waitedMs: WAIT_MS_DEFAULT / 2 + ANSWER_SLACK_MS },
  });
  scene.gate.release(method);
});
