/**
 * What a report's call site is worth. `"exact"`: each call is noted, and this is the one.
 * `"sampled"`: it is the one when there is one, but not each call is noted. `"per loop"`: where the
 * consumer or the loop was started, which takes all its items. `"off"`: nothing is noted.
 */
export type SiteKind = "exact" | "sampled" | "per loop" | "off";

/** Where nothing was noted, or the runtime has no stacks. */
export const UNKNOWN_PLACE = "an unknown place";

export const SITE_KINDS: readonly SiteKind[] = ["exact", "sampled", "per loop", "off"];

const REMARKS = {
  exact: "",
  sampled: ", sampled",
  "per loop": ", where the loop began",
  off: "",
} satisfies Record<SiteKind, string>;

/** The kind that a text names; `null` for any other. */
export function siteKindOf(text: string | undefined): SiteKind | null {
  return SITE_KINDS.find((kind) => kind === text) ?? null;
}

/** A call site as messages write it: `orders.ts:31 in bookOrder, sampled`. */
export function siteInWords(site: string, kind: SiteKind | null | undefined): string {
  if (site === UNKNOWN_PLACE) return site;
  return `${site}${REMARKS[kind ?? "off"]}`;
}
