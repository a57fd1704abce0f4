/** Where a child finds the pipe that its parent holds open as long as it lives. */
export const LIFELINE_FD = 4;
