import { describe, expect, it } from "vitest";
import { InvariantViolation } from "../core/invariant.ts";
import { type SlotState, type SlotThread, ThreadSlot } from "./thread-slot.ts";

/** A slot on a thread that only notes what it is told. */
function aSlot() {
  const posted: string[] = [];
  const heard: string[] = [];
  const gone: { reason: string; whileDoing: SlotState }[] = [];
  let terminations = 0;
  const thread: SlotThread<string, string> = {
    post: (message) => posted.push(message),
    terminate: async () => {
      terminations++;
    },
    events: { message: () => undefined, stray: () => undefined, exit: () => undefined },
  };
  const slot = new ThreadSlot<string, string>(thread, {
    message: (message) => heard.push(message),
    stray: () => heard.push("stray"),
    gone: (reason, whileDoing) => gone.push({ reason, whileDoing }),
  });
  return { slot, thread, posted, heard, gone, terminations: () => terminations };
}
type Scene = ReturnType<typeof aSlot>;

const EVENTS = {
  ready: ({ slot }: Scene) => slot.ready(),
  take: ({ slot }: Scene) => slot.take("work"),
  finish: ({ slot }: Scene) => slot.finish(),
  abort: ({ slot }: Scene) => slot.abort("stop"),
  end: ({ slot }: Scene) => void slot.end(),
  exit: ({ thread }: Scene) => thread.events.exit("killed"),
} as const;
type EventName = keyof typeof EVENTS;

/** How each state is reached. */
const PATHS: Readonly<Record<SlotState, readonly EventName[]>> = {
  starting: [],
  idle: ["ready"],
  busy: ["ready", "take"],
  aborting: ["ready", "take", "abort"],
  ending: ["end"],
  gone: ["exit"],
};

/** `never`: the move breaks an invariant. Ending what is ending or gone is harmless. */
const TABLE: Readonly<Record<SlotState, Readonly<Record<EventName, SlotState | "never">>>> = {
  starting: {
    ready: "idle",
    take: "never",
    finish: "never",
    abort: "never",
    end: "ending",
    exit: "gone",
  },
  idle: {
    ready: "never",
    take: "busy",
    finish: "never",
    abort: "never",
    end: "ending",
    exit: "gone",
  },
  busy: {
    ready: "never",
    take: "never",
    finish: "idle",
    abort: "aborting",
    end: "ending",
    exit: "gone",
  },
  aborting: {
    ready: "never",
    take: "never",
    finish: "idle",
    abort: "never",
    end: "ending",
    exit: "gone",
  },
  ending: {
    ready: "never",
    take: "never",
    finish: "never",
    abort: "never",
    end: "ending",
    exit: "gone",
  },
  gone: {
    ready: "never",
    take: "never",
    finish: "never",
    abort: "never",
    end: "gone",
    exit: "never",
  },
};

const CELLS = Object.entries(TABLE).flatMap(([state, row]) =>
  Object.entries(row).map(([event, to]) => ({
    state: state as SlotState,
    event: event as EventName,
    to,
  })),
);

function slotIn(state: SlotState): Scene {
  const scene = aSlot();
  for (const event of PATHS[state]) EVENTS[event](scene);
  return scene;
}

describe("a thread slot", () => {
  it.each(CELLS.filter(({ to }) => to !== "never"))(
    "that is $state is $to after $event",
    ({ state, event, to }) => {
      const scene = slotIn(state);

      EVENTS[event](scene);

      expect(scene.slot.state).toBe(to);
    },
  );

  it.each(CELLS.filter(({ to }) => to === "never"))(
    "that is $state cannot $event",
    ({ state, event }) => {
      const scene = slotIn(state);

      expect(() => EVENTS[event](scene)).toThrow(InvariantViolation);
      expect(scene.slot.state).toBe(state);
    },
  );

  it("posts its work, and the order to stop", () => {
    const { slot, posted } = slotIn("idle");

    slot.take("work");
    slot.abort("stop");

    expect(posted).toEqual(["work", "stop"]);
  });

  it("passes on what its thread says until it is being ended", () => {
    const { slot, thread, heard } = slotIn("busy");

    thread.events.message("before");
    void slot.end();
    thread.events.message("after");

    expect(heard).toEqual(["before"]);
  });

  it.each(["starting", "idle", "busy", "aborting", "ending"] as const)(
    "says why its thread went, and that it was %s",
    (state) => {
      const { thread, gone } = slotIn(state);

      thread.events.exit("out of memory");

      expect(gone).toEqual([{ reason: "out of memory", whileDoing: state }]);
    },
  );

  it("hears nothing more of a thread that is gone, and does not terminate it again", async () => {
    const { slot, thread, heard, terminations } = slotIn("gone");

    thread.events.message("late");
    await slot.end();

    expect(heard).toEqual([]);
    expect(terminations()).toBe(0);
  });
});
