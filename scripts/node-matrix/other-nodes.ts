import { join } from "node:path";
import { readManifest } from "../packed-project.ts";

const HERE = import.meta.dirname;

/** A supported Node besides the pinned one, and where it stands after `npm ci` in this folder. */
export interface OtherNode {
  readonly node: string;
  readonly version: string;
}

export const OTHER_NODES: readonly OtherNode[] = Object.entries(
  readManifest(HERE).dependencies ?? {},
).map(([alias, wanted]) => ({
  node: join(HERE, "node_modules", alias, "bin/node"),
  version: `v${wanted.split("@")[1] ?? ""}`,
}));
