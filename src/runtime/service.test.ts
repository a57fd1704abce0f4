import { describe, expect, it } from "vitest";
import { aClaimedJob, someFacts } from "../../test/runtime/job-builders.ts";
import { type NotedLane, StoreStage } from "../../test/runtime/store-stage.ts";
import { Fetcher } from "./fetcher.ts";
import { Renewer } from "./renewer.ts";
import { Repeater } from "./repeater.ts";
import type { Service } from "./service.ts";
import { Settler } from "./settler.ts";
import { Waker } from "./waker.ts";

/** The store call that a service's step makes: held, it is a step that does not end. */
type Step = "claim" | "settle" | "renew" | "wake" | "beat";

interface ServiceScene {
  readonly stage: StoreStage;
  readonly service: Service;
  readonly step: Step;
  /** Gives the service a reason for another step. */
  next(): void;
}

function laneOf(stage: StoreStage): NotedLane {
  const [lane] = stage.lanes;
  if (lane === undefined) throw new Error("the stage has a lane");
  return lane;
}

async function aFetcher(): Promise<ServiceScene> {
  const stage = await StoreStage.open();
  const options = { owner: stage.owner, tasks: [someFacts()], queues: ["mail"] };
  const service = new Fetcher({
    ...stage.tools,
    ...options,
    onClaimed: () => undefined,
    targets: () => [],
  });
  return { stage, service, step: "claim", next: () => service.noteAll() };
}

async function aSettler(): Promise<ServiceScene> {
  const stage = await StoreStage.open();
  const service = new Settler({
    ...stage.tools,
    onSettled: () => undefined,
    onRetry: () => undefined,
    onLost: () => undefined,
  });
  const attempt = { job: aClaimedJob(), facts: someFacts(), lane: laneOf(stage), since: 0 };
  const next = (): void => {
    service.add(attempt, { kind: "unstarted" });
    service.flush();
  };
  return { stage, service, step: "settle", next };
}

async function aRepeater(): Promise<ServiceScene> {
  const stage = await StoreStage.open();
  const run = async (): Promise<number> => {
    await stage.gate.store.beat(stage.owner, stage.deadline);
    return 100;
  };
  const service = new Repeater({ ...stage.tools, name: "heartbeat", step: run, retryMs: 100 });
  return { stage, service, step: "beat", next: () => service.now() };
}

async function aRenewer(): Promise<ServiceScene> {
  const stage = await StoreStage.open();
  const settler = new Settler({
    ...stage.tools,
    onSettled: () => undefined,
    onRetry: () => undefined,
    onLost: () => undefined,
  });
  const renewer = new Renewer({ ...stage.tools, settler });
  stage.executor.start(laneOf(stage), [aClaimedJob()]);
  const next = (): void => {
    renewer.note([{ id: 1, token: 1, progress: 0.5, note: null }]);
    renewer.repeater.now();
  };
  return { stage, service: renewer.repeater, step: "renew", next };
}

async function aWaker(): Promise<ServiceScene> {
  const stage = await StoreStage.open();
  const nothing = (): void => undefined;
  const on = { woken: nothing, settled: nothing, lost: nothing };
  const { owner } = stage;
  const waker = new Waker({ ...stage.tools, owner, on, isOwnerDead: () => null });
  return { stage, service: waker.repeater, step: "wake", next: () => waker.repeater.now() };
}

const SERVICES: readonly (readonly [name: string, open: () => Promise<ServiceScene>])[] = [
  ["fetcher", aFetcher],
  ["settler", aSettler],
  ["repeater", aRepeater],
  ["renewer", aRenewer],
  ["waker", aWaker],
];

/** Lets the service begin a step that does not end by itself. */
async function begin(scene: ServiceScene, starts = 1): Promise<void> {
  const { stage, service, step } = scene;
  stage.gate.hold(step);
  for (let count = 0; count < starts; count++) service.start();
  scene.next();
  await stage.clock.settle();
  // The renewer's first step finds nothing to write; the next one does.
  if (stage.gate.countOf(step) === 0) {
    scene.next();
    await stage.clock.settle();
  }
}

/** Whether the promise has ended by now. */
async function isOver(promise: Promise<unknown>, { stage }: ServiceScene): Promise<boolean> {
  let over = false;
  void promise.then(() => (over = true));
  await stage.clock.settle();
  return over;
}

const inGrace = (): AbortSignal => new AbortController().signal;

describe.each(SERVICES)("the %s", (_name, open) => {
  it("begins one step when it is started twice", async () => {
    const scene = await open();

    await begin(scene, 2);

    expect(scene.stage.gate.countOf(scene.step)).toBe(1);
  });

  it("stops without having started", async () => {
    const { service, stage } = await open();

    await service.stop(inGrace());

    expect(stage.clock.pendingCount).toBe(0);
  });

  it("stops twice", async () => {
    const scene = await open();
    scene.service.start();
    await scene.stage.clock.settle();

    await scene.service.stop(inGrace());
    await scene.service.stop(inGrace());

    expect(scene.stage.clock.pendingCount).toBe(0);
  });

  it("ends the step that it had begun before it is stopped", async () => {
    const scene = await open();
    await begin(scene);

    const stopped = scene.service.stop(inGrace());
    const isOverBefore = await isOver(stopped, scene);
    scene.stage.gate.release(scene.step);
    await stopped;

    expect(isOverBefore).toBe(false);
  });

  it("gives a step up when the grace is over", async () => {
    const scene = await open();
    await begin(scene);
    const grace = new AbortController();

    const stopped = scene.service.stop(grace.signal);
    const isOverBefore = await isOver(stopped, scene);
    grace.abort();
    await stopped;

    expect(isOverBefore).toBe(false);
  });

  it("stops at once during a step when there is no grace", async () => {
    const scene = await open();
    await begin(scene);

    const stopped = scene.service.stop(AbortSignal.abort());

    await expect(stopped).resolves.toBeUndefined();
  });

  it("begins no step after it was stopped", async () => {
    const scene = await open();
    await begin(scene);
    scene.stage.gate.release(scene.step);
    await scene.service.stop(inGrace());
    const countBefore = scene.stage.gate.countOf(scene.step);

    scene.next();
    await scene.stage.clock.advance(60_000);

    expect(scene.stage.gate.countOf(scene.step)).toBe(countBefore);
  });

  it("leaves no timer behind when it is stopped between two steps", async () => {
    const scene = await open();
    await begin(scene);
    scene.stage.gate.release(scene.step);
    await scene.stage.clock.settle();

    await scene.service.stop(inGrace());

    expect(scene.stage.clock.pendingCount).toBe(0);
  });

  it("leaves no timer behind when a step ends after it was given up", async () => {
    const scene = await open();
    await begin(scene);

    await scene.service.stop(AbortSignal.abort());
    scene.stage.gate.release(scene.step);
    await scene.stage.clock.settle();

    expect(scene.stage.clock.pendingCount).toBe(0);
  });
});
