/** The mistake of broken.ts on unjam: when the last worker has died, a call is refused at once. */
import { isUnjamError, JoinableQueue } from "unjam/sync";

const WORKERS = 2;

const calls = new JoinableQueue<() => unknown>({ name: "calls" });
for (let n = 1; n <= WORKERS; n++) {
  // Ends with the first function that throws.
  calls.consume((fn) => fn(), { name: `worker-${n}`, restarts: { max: 0 } });
}

const failing = (): never => {
  throw new RangeError("out of range");
};
for (const failure of await Promise.allSettled([calls.ask(failing), calls.ask(failing)])) {
  if (failure.status === "rejected") console.log("failure:", String(failure.reason));
}
try {
  console.log("1 + 1 =", await calls.ask(() => 1 + 1, { waitMs: 5_000 }));
} catch (error) {
  if (!isUnjamError(error, "UNJAM_NO_CONSUMER")) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = error.exitCode;
}
