import { task } from "unjam";
import { burn } from "./burn.ts";

interface Chain {
  readonly links: number;
}

export const hash = task("hash", { runs: "thread" }, async ({ links }: Chain) => burn(links));
