/** Whether an error of node:fs has this code, such as "ENOENT". */
export function hasFileCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
