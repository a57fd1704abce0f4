/**
 * A thread of a child process that does nothing but hold the pipe from its parent. When the parent
 * is gone, by whatever cause, the pipe closes and this thread kills the process, also when its main
 * thread never lets go.
 */
import { Socket } from "node:net";
import { LIFELINE_FD } from "./child-fds.ts";

const pipe = new Socket({ fd: LIFELINE_FD, readable: true, writable: false });
// The end of the pipe is what counts, however it comes.
pipe.on("error", () => undefined);
pipe.on("close", () => process.kill(process.pid, "SIGKILL"));
pipe.resume();
