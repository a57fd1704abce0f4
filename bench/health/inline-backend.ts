import type { OpenBackend } from "./backend.ts";
import { burn } from "./burn.ts";

/** The mistake that everything here is about: the work is done in the request's own turn. */
export const openBackend: OpenBackend = async ({ links, onDone }) => ({
  accept: async (): Promise<void> => {
    burn(links);
    onDone();
  },
});
