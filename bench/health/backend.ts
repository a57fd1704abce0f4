/** Where the server's CPU work goes. One file per implementation exports `openBackend`. */
export interface Backend {
  /** Resolves when the request may be answered: the work is accepted, or done where it cannot wait. */
  readonly accept: () => Promise<unknown>;
}

export interface BackendSettings {
  readonly links: number;
  readonly threads: number;
  readonly folder: string;
  /** Call it once per finished job. */
  readonly onDone: () => void;
  readonly onFailed: (error: unknown) => void;
}

export type OpenBackend = (settings: BackendSettings) => Promise<Backend>;
