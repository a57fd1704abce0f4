import { describe, expect, it } from "vitest";
import { openTemporarySqlite } from "../../test/conformance/temporary-store.ts";
import { Scene } from "../../test/conformance/scene.ts";
import { LEASE_MS, WAKE_MS } from "../core/limits.ts";
import { Waker } from "./waker.ts";

/** A waker that has not begun, and a job whose lease has run out since the store took anything. */
async function anOutage() {
  const opened = await openTemporarySqlite();
  const scene = await Scene.open(async () => opened);
  const { id } = await scene.leasedJob();
  const lost: number[] = [];
  const waker = new Waker({
    ...{ store: scene.store, clock: scene.clock, timers: scene.clock, owner: scene.owner },
    isOwnerDead: () => null,
    onError: (_, error) => {
      throw error;
    },
    on: {
      woken: () => undefined,
      settled: () => undefined,
      lost: (leases) => lost.push(...leases.map((lease) => lease.id)),
    },
  });
  scene.clock.advance(LEASE_MS + 1);
  const oneRound = async (): Promise<void> => {
    waker.repeater.start();
    await waker.repeater.stop(new AbortController().signal);
  };
  return { scene, waker, lost, id, oneRound };
}

describe("the waker", () => {
  it("takes no lease right after an outage that it found itself", async () => {
    const { scene, lost, oneRound } = await anOutage();
    await using _ = scene;

    await oneRound();

    expect(lost).toEqual([]);
  });

  it("takes no lease right after an outage that the heartbeat ended", async () => {
    const { scene, waker, lost, oneRound } = await anOutage();
    await using _ = scene;

    waker.reached();
    await oneRound();

    expect(lost).toEqual([]);
  });

  it("takes what nobody has renewed in the round that it left to the living", async () => {
    const { scene, waker, lost, id, oneRound } = await anOutage();
    await using _ = scene;

    waker.reached();
    scene.clock.advance(WAKE_MS);
    await oneRound();

    expect(lost).toEqual([id]);
  });
});
