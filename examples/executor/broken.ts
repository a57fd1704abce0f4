/** An executor whose workers end with the first function that throws: later calls wait for ever. */
const WAIT_MS = 1_000;
const WORKERS = 2;

interface Call {
  readonly fn: () => unknown;
  readonly resolve: (result: unknown) => void;
}

const calls: Call[] = [];
const wake: (() => void)[] = [];

function submit(fn: () => unknown): Promise<unknown> {
  return new Promise((resolve) => {
    calls.push({ fn, resolve });
    wake.shift()?.();
  });
}

async function work(): Promise<never> {
  for (;;) {
    const call = calls.shift();
    if (call !== undefined) call.resolve(await call.fn());
    else await new Promise<void>((resolve) => void wake.push(resolve));
  }
}

for (let n = 1; n <= WORKERS; n++) {
  work().catch((error: unknown) => console.error(`worker ${n} died: ${String(error)}`));
}

setTimeout(() => {
  console.error(`still waiting for a result after ${WAIT_MS} ms: ${calls.length} calls wait`);
  process.exit(1);
}, WAIT_MS);
const failing = (): never => {
  throw new RangeError("out of range");
};
void submit(failing);
void submit(failing);
console.log("1 + 1 =", await submit(() => 1 + 1));
process.exit();
