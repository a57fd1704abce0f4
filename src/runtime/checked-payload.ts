import { serializePayload } from "../core/payload.ts";
import type { TaskBody } from "../core/task.ts";
import { valueOf } from "./run-handler.ts";

/**
 * An input as it will be stored, checked by the task's schema. Both happen in the caller's turn, so
 * that later changes to the input do not count, however long the schema takes.
 * @throws UNJAM_PAYLOAD_…, at once unless the schema answers later
 */
export function checkedPayload(
  { input: schema, facts }: TaskBody,
  input: unknown,
): string | Promise<string> {
  const { name } = facts;
  if (schema === undefined) return serializePayload(input, name);
  const checking = schema["~standard"].validate(input);
  if (!("then" in checking)) {
    valueOf(checking, name);
    return serializePayload(input, name);
  }
  const payload = (async () => serializePayload(input, name))();
  const checked = Promise.all([payload, checking]).then(([text, result]) => {
    valueOf(result, name);
    return text;
  });
  // Another input of the same call may be refused first; then nobody waits for this one.
  checked.catch(() => undefined);
  return checked;
}

/** Many inputs, all taken in the caller's turn too. @throws as {@link checkedPayload} does, for one that does not fit */
export function checkedPayloads(
  body: TaskBody,
  inputs: readonly unknown[],
): readonly string[] | Promise<readonly string[]> {
  const payloads = inputs.map((input) => checkedPayload(body, input));
  return payloads.every((payload) => typeof payload === "string")
    ? payloads
    : Promise.all(payloads.map(async (payload) => payload));
}
