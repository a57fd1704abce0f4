/** Whether the operating system refused something: a file, a port. */
export function isSystemError(error: unknown): error is Error & { readonly code: unknown } {
  return error instanceof Error && "syscall" in error && "code" in error;
}

/** Whether it did so with one of these codes, such as "ENOENT". */
export function hasSystemCode(error: unknown, ...codes: readonly string[]): error is Error {
  return isSystemError(error) && codes.includes(String(error.code));
}
