/**
 * The wait-for graph itself: flows point to their proven waits, waits to the flows that can end
 * them. A wait is stuck when all who could end it are; a flow is stuck when all its waits are. The
 * flows that cannot be shown to go on, taken together, are what holds a wait.
 */
import { UnjamError } from "../core/errors.ts";
import { WAIT_GRAPH_DEPTH_MAX, WAIT_GRAPH_STEPS_MAX } from "../core/limits.ts";
import { type CallSite, placeOf } from "./call-site.ts";
import type { Flow } from "./flow.ts";
import type { Movers } from "./wait-graph.ts";

/** A wait, as far as the graph knows it. */
export interface ProvenWait {
  readonly what: string;
  readonly site: CallSite | undefined;
  readonly movers: () => Movers;
  /** Whether it was proven again in the turn that is now confirming a cycle. */
  readonly isConfirmed: boolean;
  /** The wait that watches over the cycle that this one is part of, while it does. */
  leader: Leader | undefined;
  look(purpose: "confirm"): void;
}

/** Has found a cycle, and will be refused for it unless somebody undoes it. */
export interface Leader {
  readonly isLeading: boolean;
}

const waitsOf = new WeakMap<Flow, Set<ProvenWait>>();

export function addProof(flow: Flow, wait: ProvenWait): void {
  const waits = waitsOf.get(flow);
  if (waits === undefined) waitsOf.set(flow, new Set([wait]));
  else waits.add(wait);
}

export function dropProof(flow: Flow, wait: ProvenWait): void {
  waitsOf.get(flow)?.delete(wait);
}

/** Waits that hold each other. */
export interface Stuck {
  /** All that the answer rests on. */
  readonly waits: ReadonlySet<ProvenWait>;
  /** Whether nobody outside of the cycle can undo it. */
  readonly isSure: boolean;
  /** The shortest way from the wait that was asked about back to itself. */
  readonly cycle: readonly Step[];
}

/**
 * What holds `wait`; `undefined` when it can end, when nothing proves that it cannot, or when it
 * only waits for others that hold each other: they are refused, and it goes on.
 */
export function findStuck(wait: ProvenWait): Stuck | undefined {
  const budget = { steps: WAIT_GRAPH_STEPS_MAX };
  const free = new Set<Flow>();
  for (;;) {
    const freeCount = free.size;
    const search = new Search(free, budget);
    if (!search.isStuck(wait, 0) || budget.steps < 0) return undefined;
    if (free.size > freeCount) continue;
    const { stuck: waits, isSure } = search;
    const cycle = cycleOf(wait, waits);
    return cycle === undefined ? undefined : { waits, isSure, cycle };
  }
}

/**
 * One round: every flow counts as stuck until one of its waits can end. Those that can go on are
 * kept in `free`, and while there are new ones the round is made again, because others may have
 * been taken for stuck on their account. So each round visits a flow, and all who wait for the
 * same holders, once: a thousand slots that wait for each other are a thousand steps.
 */
class Search {
  /** What the answer rests on. */
  readonly stuck = new Set<ProvenWait>();
  isSure = true;
  readonly #free: Set<Flow>;
  readonly #budget: { steps: number };
  readonly #flows = new Set<Flow>();
  readonly #seen = new Map<Movers, boolean>();

  constructor(free: Set<Flow>, budget: { steps: number }) {
    this.#free = free;
    this.#budget = budget;
  }

  isStuck(wait: ProvenWait, depth: number): boolean {
    const movers = wait.movers();
    if (movers === "unknown" || movers.flows.length === 0) return false;
    if (depth > WAIT_GRAPH_DEPTH_MAX || !this.#areStuck(movers, depth)) return false;
    this.stuck.add(wait);
    if (!movers.isSure) this.isSure = false;
    return true;
  }

  #areStuck(movers: Exclude<Movers, "unknown">, depth: number): boolean {
    const known = this.#seen.get(movers);
    if (known !== undefined) return known;
    const { need, flows } = movers;
    const isFree = (flow: Flow): boolean => this.#free.has(flow);
    if (need === "any" ? flows.some(isFree) : flows.every(isFree)) return false;
    this.#seen.set(movers, true);
    const areStuck =
      need === "any"
        ? // From the end: while one after the other comes to wait, the last is the one that does not.
          flows.findLast((flow) => !this.#isFlowStuck(flow, depth)) === undefined
        : flows.some((flow) => this.#isFlowStuck(flow, depth));
    this.#seen.set(movers, areStuck);
    return areStuck;
  }

  #isFlowStuck(flow: Flow, depth: number): boolean {
    if (this.#free.has(flow) || --this.#budget.steps < 0) return false;
    if (this.#flows.has(flow)) return true;
    this.#flows.add(flow);
    const waits = waitsOf.get(flow);
    const isStuck =
      waits !== undefined &&
      waits.size > 0 &&
      [...waits].every((wait) => this.isStuck(wait, depth + 1));
    if (!isStuck) this.#free.add(flow);
    return isStuck;
  }
}

interface Step {
  readonly flow: Flow;
  readonly wait: ProvenWait;
  readonly before: Step | undefined;
}

/** The shortest way from the wait, over flows that could end it, back to itself. */
function cycleOf(wait: ProvenWait, among: ReadonlySet<ProvenWait>): readonly Step[] | undefined {
  const seen = new Set<ProvenWait>();
  const followed = new Set<Movers>();
  const stepsFrom = (from: ProvenWait, before: Step | undefined): readonly Step[] => {
    const movers = from.movers();
    if (movers === "unknown" || followed.has(movers)) return [];
    followed.add(movers);
    return movers.flows.flatMap((flow) =>
      Array.from(waitsOf.get(flow) ?? [], (next) => ({ flow, wait: next, before })),
    );
  };
  let steps = stepsFrom(wait, undefined);
  while (steps.length > 0) {
    const next: Step[] = [];
    for (const step of steps) {
      if (step.wait === wait) return wayTo(step);
      if (seen.has(step.wait) || !among.has(step.wait)) continue;
      seen.add(step.wait);
      next.push(...stepsFrom(step.wait, step));
    }
    steps = next;
  }
  return undefined;
}

function wayTo(last: Step): readonly Step[] {
  const way: Step[] = [];
  for (let step: Step | undefined = last; step !== undefined; step = step.before) way.unshift(step);
  return way;
}

/** What the caller of the refused wait is told: who holds what, and waits for what, edge by edge. */
export function deadlockError(wait: ProvenWait, stuck: Stuck): UnjamError<"UNJAM_DEADLOCK"> {
  let wanted = wait;
  const cycle = stuck.cycle.map(({ flow, wait: next }) => {
    const held = [...flow.holdings].at(-1);
    const holds = held?.what ?? wanted.what;
    wanted = next;
    const [hold, waiting] = [placeOf(held?.site), placeOf(next.site)];
    return {
      ...{ flow: flow.name, holds, holdSite: hold.site, holdSiteKind: hold.siteKind },
      ...{ waitsFor: next.what, waitSite: waiting.site, waitSiteKind: waiting.siteKind },
    };
  });
  return new UnjamError("UNJAM_DEADLOCK", { cycle });
}
