/** Where a child finds the pipe to its parent's messages and from its own. */
export const LINE_FD = 3;
/** Where it finds the pipe that its parent holds open as long as it lives. */
export const LIFELINE_FD = 4;
