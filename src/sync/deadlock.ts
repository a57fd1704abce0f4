/**
 * The wait-for graph itself: flows point to their proven waits, waits to the flows that can end
 * them. A wait is stuck when all who could end it are; a flow is stuck when all its waits are; a
 * flow that is met again on the way is stuck, for it is what the way waits for.
 */
import { UnjamError } from "../core/errors.ts";
import { WAIT_GRAPH_STEPS_MAX } from "../core/limits.ts";
import type { CallSite } from "./call-site.ts";
import type { Flow } from "./flow.ts";
import type { Movers } from "./wait-graph.ts";

/** A wait, as far as the graph knows it. */
export interface ProvenWait {
  readonly what: string;
  readonly site: CallSite | undefined;
  readonly movers: () => Movers;
  /** Whether it was proven again in the turn that is now confirming a cycle. */
  readonly isConfirmed: boolean;
  look(purpose: "confirm"): void;
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
  /** All that the proof rests on. */
  readonly waits: ReadonlySet<ProvenWait>;
  /** The shortest way from the wait that was asked about back to itself. */
  readonly cycle: readonly Step[];
}

/**
 * What holds `wait`; `undefined` when it can end, when nothing proves that it cannot, or when it
 * only waits for others that hold each other: they are refused, and it goes on.
 */
export function findStuck(wait: ProvenWait): Stuck | undefined {
  const search = new Search();
  if (!search.isStuck(wait)) return undefined;
  const cycle = cycleOf(wait, search.stuck);
  return cycle === undefined ? undefined : { waits: search.stuck, cycle };
}

class Search {
  /** What the answer rests on. */
  readonly stuck = new Set<ProvenWait>();
  readonly #path = new Set<Flow>();
  #stepCount = 0;

  isStuck(wait: ProvenWait): boolean {
    if (++this.#stepCount > WAIT_GRAPH_STEPS_MAX) return false;
    const movers = wait.movers();
    if (movers === "unknown" || movers.flows.length === 0) return false;
    const isFlowStuck = (flow: Flow): boolean => this.#isFlowStuck(flow);
    const isStuck =
      movers.need === "any" ? movers.flows.every(isFlowStuck) : movers.flows.some(isFlowStuck);
    if (isStuck) this.stuck.add(wait);
    return isStuck;
  }

  #isFlowStuck(flow: Flow): boolean {
    if (this.#path.has(flow)) return true;
    const waits = waitsOf.get(flow);
    if (waits === undefined || waits.size === 0) return false;
    this.#path.add(flow);
    const isStuck = [...waits].every((wait) => this.isStuck(wait));
    this.#path.delete(flow);
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
  let steps: readonly Step[] = stepsFrom(wait, undefined);
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

function stepsFrom(wait: ProvenWait, before: Step | undefined): readonly Step[] {
  const movers = wait.movers();
  if (movers === "unknown") return [];
  return movers.flows.flatMap((flow) =>
    Array.from(waitsOf.get(flow) ?? [], (next) => ({ flow, wait: next, before })),
  );
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
    return {
      flow: flow.name,
      holds,
      holdSite: String(held?.site ?? "an unknown place"),
      waitsFor: next.what,
      waitSite: String(next.site ?? "an unknown place"),
    };
  });
  return new UnjamError("UNJAM_DEADLOCK", { cycle });
}
