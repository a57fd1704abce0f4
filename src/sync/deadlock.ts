/**
 * The wait-for graph itself: flows point to their proven waits, waits to the flows that can end
 * them. A wait is stuck when all who could end it are; a flow is stuck when all its waits are. The
 * flows that cannot be shown to go on, taken together, are what holds a wait.
 */
import { UnjamError } from "../core/errors.ts";
import { invariant } from "../core/invariant.ts";
import { WAIT_GRAPH_STEPS_MAX } from "../core/limits.ts";
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

interface Step {
  readonly flow: Flow;
  readonly wait: ProvenWait;
  readonly before: Step | undefined;
}

/** A flow, or all who wait for the same holders: free once enough of what it rests on is. */
interface Node {
  /** How much more of it that takes; nothing when it is free. */
  takes: number;
  readonly dependents: Node[];
}

/**
 * The graph as it stands in this moment: made, asked in one go, and dropped. Everything counts as
 * stuck until something shows that it can go on, and then so can all that rested on it alone. Each
 * flow, and all who wait for the same holders, are visited once, whoever asks: a thousand slots that
 * wait for each other are a thousand steps, for one of them or for all. Nothing calls itself, so
 * that flows in a row, each waiting for the next, may be any number.
 */
export class WaitGraph {
  readonly #movers = new Map<ProvenWait, Movers>();
  readonly #groups = new Map<Movers, Node>();
  readonly #flows = new Map<Flow, Node>();
  readonly #visited = new Set<Flow>();
  /** What is still to be visited, and on whose account; the last comes first. */
  readonly #open: { readonly flow: Flow; readonly group: Node }[] = [];
  #steps = 0;

  /**
   * What holds `wait`; `undefined` when it can end, when nothing proves that it cannot, or when it
   * only waits for others that hold each other: they are refused, and it goes on.
   */
  findStuck(wait: ProvenWait): Stuck | undefined {
    this.#steps = 0;
    const root = this.#groupOf(wait);
    while (root.takes > 0) {
      // The last first: while one after the other comes to wait, it is the one that does not.
      const next = this.#open.pop();
      if (next === undefined) return this.#stuck(wait);
      if (next.group.takes > 0) this.#visit(next.flow);
    }
    return undefined;
  }

  #visit(flow: Flow): void {
    if (this.#visited.has(flow)) return;
    this.#visited.add(flow);
    const node = this.#nodeOf(flow);
    const waits = waitsOf.get(flow);
    if (waits === undefined || waits.size === 0) oneIsFree(node);
    else for (const wait of waits) restOn(node, this.#groupOf(wait));
  }

  #nodeOf(flow: Flow): Node {
    let node = this.#flows.get(flow);
    // One of its waits that can end is enough.
    if (node === undefined) this.#flows.set(flow, (node = { takes: 1, dependents: [] }));
    return node;
  }

  /** All who wait for the same. */
  #groupOf(wait: ProvenWait): Node {
    const movers = this.#moversOf(wait);
    const known = this.#groups.get(movers);
    if (known !== undefined) return known;
    const group: Node = { takes: this.#takesOf(movers), dependents: [] };
    this.#groups.set(movers, group);
    if (movers === "unknown" || group.takes === 0) return group;
    for (const flow of movers.flows) {
      restOn(group, this.#nodeOf(flow));
      if (!this.#visited.has(flow)) this.#open.push({ flow, group });
    }
    return group;
  }

  #moversOf(wait: ProvenWait): Movers {
    let movers = this.#movers.get(wait);
    if (movers === undefined) this.#movers.set(wait, (movers = wait.movers()));
    return movers;
  }

  #takesOf(movers: Movers): number {
    if (movers === "unknown") return 0;
    const { need, flows } = movers;
    this.#steps += flows.length;
    // What is larger than a search may be counts as free.
    if (this.#steps > WAIT_GRAPH_STEPS_MAX) return 0;
    return need === "any" ? Math.min(1, flows.length) : flows.length;
  }

  #stuck(wait: ProvenWait): Stuck | undefined {
    const waits = new Set([wait]);
    const followed = new Set<Movers>();
    let isSure = true;
    for (const each of waits) {
      const movers = this.#stuckMovers(each);
      if (!movers.isSure) isSure = false;
      if (followed.has(movers)) continue;
      followed.add(movers);
      for (const next of this.#holding(movers).flatMap(waitsIn)) waits.add(next);
    }
    const cycle = this.#cycleOf(wait, waits);
    return cycle === undefined ? undefined : { waits, isSure, cycle };
  }

  /** Those who must be stuck for the wait to be: of several that it needs, one is enough. */
  #holding({ need, flows }: KnownMovers): readonly Flow[] {
    if (need === "any") return flows;
    return flows.filter((flow) => this.#nodeOf(flow).takes > 0).slice(0, 1);
  }

  #stuckMovers(wait: ProvenWait): KnownMovers {
    const movers = this.#moversOf(wait);
    invariant(movers !== "unknown", "what something unknown may end is not stuck");
    return movers;
  }

  /** The shortest way from the wait, over flows that could end it, back to itself. */
  #cycleOf(wait: ProvenWait, among: ReadonlySet<ProvenWait>): readonly Step[] | undefined {
    const seen = new Set<ProvenWait>();
    const followed = new Set<Movers>();
    const stepsFrom = (from: ProvenWait, before: Step | undefined): readonly Step[] => {
      const movers = this.#stuckMovers(from);
      if (followed.has(movers)) return [];
      followed.add(movers);
      return movers.flows.flatMap((flow) =>
        waitsIn(flow).map((next) => ({ flow, wait: next, before })),
      );
    };
    let steps = stepsFrom(wait, undefined);
    while (steps.length > 0) {
      const next: Step[] = [];
      for (const step of steps) {
        if (step.wait === wait) return wayTo(step);
        if (seen.has(step.wait) || !among.has(step.wait)) continue;
        seen.add(step.wait);
        for (const after of stepsFrom(step.wait, step)) next.push(after);
      }
      steps = next;
    }
    return undefined;
  }
}

type KnownMovers = Exclude<Movers, "unknown">;

function waitsIn(flow: Flow): readonly ProvenWait[] {
  return Array.from(waitsOf.get(flow) ?? []);
}

function restOn(node: Node, on: Node): void {
  if (on.takes === 0) oneIsFree(node);
  else on.dependents.push(node);
}

/** Of what the node rests on. It may set others free, and so on. */
function oneIsFree(node: Node): void {
  const open = [node];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.takes === 0 || --next.takes > 0) continue;
    for (const dependent of next.dependents) open.push(dependent);
  }
}

/** The way, from its first step. */
function wayTo(last: Step): readonly Step[] {
  const way: Step[] = [];
  for (let step: Step | undefined = last; step !== undefined; step = step.before) way.push(step);
  return way.toReversed();
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
