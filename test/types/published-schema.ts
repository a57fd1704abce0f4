/**
 * Standard Schema v1 as `@standard-schema/spec` publishes it and zod, valibot and arktype implement
 * it. Copied, and not our own type: these tests prove that ours takes theirs.
 */
export interface PublishedSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (
      value: unknown,
      options?: { readonly libraryOptions?: Record<string, unknown> | undefined },
    ) => PublishedResult<Output> | Promise<PublishedResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

type PublishedResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: ReadonlyArray<PublishedIssue> };

interface PublishedIssue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}
