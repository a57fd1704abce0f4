import { burn } from "./burn.ts";

// oxlint-disable-next-line import/no-default-export -- piscina's contract.
export default burn;
