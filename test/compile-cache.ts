import { fileURLToPath } from "node:url";

/**
 * For a test configuration: every process and thread of the run finds what another has compiled,
 * and a thread starts in 26 ms instead of 57.
 *
 * That is not why, though. Node strips types by a WebAssembly module, in each thread that loads
 * TypeScript anew, and V8 13.6 (Node 24.21) sometimes frees an import wrapper of such a module
 * while another thread does the same: the process dies in WasmImportWrapperCache::Free, once in
 * some thousand pairs of threads, which the tests start. From the cache nothing is stripped. What
 * is published is JavaScript and loads no WebAssembly.
 */
export function shareCompiledCode(): void {
  process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(
    new URL("../node_modules/.cache/node-compile", import.meta.url),
  );
}
