/** A child's end of what `startNodeProcess` or `startNodeThread` started. */
export interface ParentLine<Received, Sent> {
  /** @throws when there is something in it that cannot be cloned, such as a function */
  send(message: Sent): void;
  /** Set it once, when the child is ready to hear. */
  onMessage(handle: (message: Received) => void): void;
}
