/**
 * What a command line is begun with so that the modes of files bind whoever runs the tests: root
 * gives up the two capabilities that pass them. The program stays root's, so that it can read what
 * only root can; where `setpriv` (util-linux) is missing it does not start, and its test fails.
 */
export const UNPRIVILEGED: readonly string[] =
  process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : [];
