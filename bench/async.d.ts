/** The one call of `async` that the benchmarks make; the package brings no types of its own. */
declare module "async" {
  export function queue<T>(
    worker: (value: T) => Promise<void>,
    concurrency: number,
  ): {
    pushAsync(value: T): Promise<void>;
    pause(): void;
    resume(): void;
  };
}
