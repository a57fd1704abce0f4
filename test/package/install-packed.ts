import { build } from "../../scripts/build.ts";
import { linkDevDependencies, packProject } from "../../scripts/packed-project.ts";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** A project with nothing but the packed package in it. */
    readonly emptyProject: string;
    /** The same with this repository's development dependencies linked in, for the docs. */
    readonly docsProject: string;
    readonly tarball: string;
  }
}

/** Packs and installs once for all files of this folder: it takes seconds. */
export async function setup(project: TestProject): Promise<() => void> {
  await build();
  const empty = packProject();
  const docs = packProject();
  linkDevDependencies(docs.folder);
  project.provide("emptyProject", empty.folder);
  project.provide("docsProject", docs.folder);
  project.provide("tarball", empty.tarball);
  return () => {
    empty[Symbol.dispose]();
    docs[Symbol.dispose]();
  };
}
