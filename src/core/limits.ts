/**
 * Every bound of the package, with its unit. A constant stands here when a user could meet it;
 * its comment argues for the value. `…Ms` are milliseconds, `…Bytes` bytes, `…Max` the largest
 * value that is still allowed.
 */

/** One attempt, when the task does not say. Long enough for slow HTTP, short enough to notice a hang. */
export const TIMEOUT_MS_DEFAULT = 60_000;
/** A day. A longer job should be cut into steps: its lease could not prove that it still moves. */
export const TIMEOUT_MS_MAX = 86_400_000;
export const ATTEMPTS_DEFAULT = 5;
export const ATTEMPTS_MAX = 1_000;

/** A lease outlives two missed renewals and is still short enough that a crash is noticed soon. */
export const LEASE_MS = 15_000;
export const LEASE_RENEW_MS = 5_000;
/** What a handler gets after its abort signal, counted from when it is told, before it counts as ignoring it. */
export const ABORT_GRACE_MS = 2_000;
/** A thread whose loop is free answers an abort well within this; one that does not is blocked. */
export const ABORT_ACK_MS = 50;
/** Most loops that are free have heard by now. Of one that has not it is asked where it is, which costs it 1 ms. */
export const HEARD_MS = 5;
/** How long a thread that is to be ended is kept so that it can say where it is. Its place is taken by then. */
export const LOCATE_MS_MAX = 400;
/** `worker.terminate()` normally takes 2-30 ms; past this the thread sits in a system call. */
export const TERMINATE_MS_MAX = 5_000;
/** What a child process gets to end by itself before it is killed. */
export const KILL_AFTER_MS = 500;
/** A warm spare is started when this share of an attempt's or a call's time is used up. */
export const SPARE_AT_FRACTION = 0.8;
/** And at least this long before the deadline of either: what a thread and its module may take to start. */
export const SPARE_LEAD_MS = 200;
/** How long a claimed job may wait in its lane before its time is counted as running. */
export const LANE_WAIT_MS_MAX = 60_000;
/** How long the retry of a timed-out loop handler waits for the old body to end. */
export const OVERLAP_MS_MAX = 60_000;
/**
 * Losses (crashed owners, killed threads) after which a job is a suspect: it runs alone in a child
 * process from then on, and when that dies the job is dead. Two, because the first crash may be
 * anybody's, and each further one takes all the jobs beside it along.
 */
export const SUSPECT_LOSSES = 2;
/** Suspects that run at once, each in a child of its own. Few: they are rare, and each child is new. */
export const SUSPECTS_AT_ONCE = 2;
/**
 * Losses that a job may have at all. It is the last resort, for a job that takes more down than
 * its child, such as a container that is killed as a whole, and high, because the losses of a
 * machine that crashes say nothing of the job.
 */
export const LOSSES_MAX = 20;

export const QUEUE_CAPACITY_DEFAULT = 100_000;
export const QUEUE_CAPACITY_MAX = 100_000_000;
export const QUEUE_NAME_CHARS_MAX = 128;
export const QUEUE_COUNT_MAX = 10_000;
export const TASK_NAME_CHARS_MAX = 128;
export const KEY_CHARS_MAX = 512;
export const ID_CHARS_MAX = 128;
/**
 * Waiting jobs that one new job may displace with `whenFull: "drop-oldest"`. It is one, except
 * where retries or a lowered capacity left more waiting than the queue holds.
 */
export const DROPS_MAX = 1_000;
export const WAITERS_MAX_DEFAULT = 1_000;
export const WAIT_MS_DEFAULT = 30_000;
export const JOIN_MS_DEFAULT = 30_000;
/** A queue moves within a second, and clients that wait longer than that give up. */
export const RETRY_AFTER_MS_DEFAULT = 1_000;
/** The least time the store gets for its answer, also when the caller would not wait for room. */
export const ANSWER_MS_MIN = 250;
/** How much later than its deadline a caller still takes a late answer before it says "unknown". */
export const ANSWER_SLACK_MS = 50;
export const CLOSE_GRACE_MS_DEFAULT = 25_000;

/** Jobs that wait for each other in a row, as far as they are followed to find a circle. */
export const WAIT_CHAIN_MAX = 64;

export const PAYLOAD_BYTES_MAX = 262_144;
export const RESULT_BYTES_MAX = 262_144;
export const PAYLOAD_DEPTH_MAX = 100;
export const ERROR_CHARS_MAX = 8_192;
export const STACK_LINES_MAX = 30;
export const NOTE_CHARS_MAX = 500;
/** W3C Trace Context: 55 characters in its first version; later ones may add to it. */
export const TRACEPARENT_CHARS_MAX = 256;
/** What a system should pass on at least, by the same paper; it travels with the job to its handler. */
export const TRACESTATE_CHARS_MAX = 512;
/** Lines that one attempt may log. A loop that logs must not fill the main loop and its disk. */
export const LOG_LINES_MAX = 1_000;
/** The same of one line's message; what is longer is cut. */
export const LOG_MESSAGE_CHARS_MAX = 8_192;
export const PROGRESS_FLUSH_MS = 200;

/**
 * One message between the supervisor and a job process. Far above the largest payload: only the
 * fields of a log line are not bounded otherwise, and what claims to be longer is no message.
 */
export const PIPE_MESSAGE_BYTES_MAX = 67_108_864;

/** One `enqueueMany` is one transaction; this bounds how long it can hold the file's write lock. */
export const BATCH_JOBS_MAX = 10_000;
/** Jobs committed together; a larger group would let the main loop idle while the disk works. */
export const GROUP_JOBS_MAX = 1_000;
/** Loop attempts started in one turn of the main loop before it is given back. */
export const LOOP_TURN_MS_MAX = 1;
export const LOOP_SLOTS_DEFAULT = 50;
export const LOOP_SLOTS_MAX = 10_000;
export const THREADS_DEFAULT = 2;
export const THREADS_MAX = 256;
/** Children start when the first job for them comes, so that one costs nothing where there is none. */
export const PROCESSES_DEFAULT = 1;
/** Jobs claimed ahead of free slots: what finishes in this time at the measured rate … */
export const PREFETCH_MS = 30;
/** … and never more than this many. */
export const PREFETCH_JOBS_MAX = 500;
/** Owners of one store that are shown, the living first. */
export const OWNERS_LISTED_MAX = 1_000;
/** Jobs whose holders `app.waits()` looks up: each costs a read. */
export const WAITS_HELD_MAX = 200;
export const LIST_LIMIT_DEFAULT = 100;
export const LIST_LIMIT_MAX = 1_000;

/** A loop handler that holds the main loop longer than this in one go is named. */
export const LOOP_BLOCKED_MS = 50;
/** How often the main loop shows that it turns: a block is measured to within this time. */
export const LOOP_BEAT_MS = 5;
/** Handlers named of which one may have blocked the loop, when it could not be asked which. */
export const BLOCK_CANDIDATES_MAX = 10;
export const SUPERVISOR_TICK_MS = 20;

/** A consumer counts as gone this long after its last beat, so that a rolling restart trips nothing. */
export const CONSUMER_GONE_MS = 10_000;
export const OWNER_BEAT_MS = 3_000;
/** Between two looks for crashed owners, lapsed leases and expired jobs. */
export const WAKE_MS = 1_000;
export const WAKE_JOBS_MAX = 1_000;
/**
 * Other processes' commits are noticed by polling a counter (1 µs): often while someone waits,
 * less while another process is about (each beats every few seconds), rarely when alone.
 */
export const POLL_WAITING_MS = 5;
export const POLL_SHARED_MS = 20;
export const POLL_ALONE_MS = 100;
/** A store that another process changed within this time is shared. */
export const SHARED_FOR_MS = 10_000;
export const PRUNE_MS = 2_000;
export const PRUNE_JOBS_MAX = 2_000;
export const DEDUPE_MS = 60_000;
export const KEEP_DONE_MS_DEFAULT = 3_600_000;
/** Short, because an overloaded queue may drop thousands of jobs a second and must stay small. */
export const KEEP_DROPPED_MS = 60_000;
export const KEEP_DEAD_MS_DEFAULT = 2_592_000_000;
export const KEEP_DONE_COUNT_MAX = 100_000;
export const KEEP_MS_MAX = 31_536_000_000;
/** Delays are kept as wall-clock instants in the store, never as timers, so a year is fine. */
export const DELAY_MS_MAX = 31_536_000_000;
/** Ids are taken from the store in blocks, so that an id exists before the job is stored. */
export const ID_BLOCK_SIZE = 1_048_576;

export const BACKOFF_FIRST_MS_DEFAULT = 1_000;
export const BACKOFF_FACTOR_DEFAULT = 2;
export const BACKOFF_MS_MAX_DEFAULT = 300_000;
export const BACKOFF_JITTER_DEFAULT = 0.2;

/**
 * Restarts of a runtime thread or a job thread before the runtime calls itself broken. A thread that
 * died under its job counts only while no other job comes through.
 */
export const RESTARTS_MAX = 10;
export const RESTARTS_PER_MS = 60_000;
/** A locked file is retried by timer: the thread stays free to answer. */
export const LOCK_RETRY_MS = 5;
/** A store's full path: SQLite's own bound of 512, less what it puts behind it ("-journal"). */
export const PATH_BYTES_MAX = 504;
/** How long opening a store may take before it is an error. */
export const OPEN_MS_MAX = 30_000;
/** Waits of one queue that begin within this time share one look at the clock. */
export const MOMENT_MS = 10;
/** How long the consumers of a queue go on in one turn of the loop: shorter costs throughput, longer delays I/O. */
export const CONSUME_TURN_MS_MAX = 10;
/** Failures whose errors a join tells. */
export const JOIN_ERRORS_MAX = 10;
/** Unfinished items that a join names at its deadline. */
export const UNFINISHED_NAMED_MAX = 100;
/** How long `unjam lab` watches a program that hangs: long enough to see that nothing more comes. */
export const LAB_MS_DEFAULT = 5_000;
/** A program of the lab has started and got stuck by then, also on a busy machine. */
export const LAB_MS_MIN = 1_000;
export const LAB_MS_MAX = 600_000;
/** Consumers' handlers at once in one `consume()`. */
export const CONCURRENCY_MAX = 100_000;
/** A full queue says so at most once in this time; the next notice carries the count. */
export const FULL_NOTICE_MS = 1_000;
/**
 * Callers of a full queue that have waited this long for room are worth a line in the log:
 * long after what back-pressure should take, and well before the default deadline.
 */
export const FULL_WAIT_MS_MAX = 10_000;
/** `setTimeout` fires at once above 2^31-1 ms, so longer waits are cut into hops. */
export const TIMER_MS_MAX = 2_147_483_647;

export const LOCK_NAME_CHARS_MAX = 128;
export const PERMITS_MAX = 1_000_000;
/** Times that two locks are looked at for their order before it counts as one that cannot be told. */
export const LOCK_ORDER_TRIES_MAX = 100;
/** Holders that an error names; the rest is counted. */
export const HOLDERS_NAMED_MAX = 3;
/** Calls of one lock or queue whose place is noted, per millisecond: at some 8 µs each, 4 % of the time … */
export const SITES_PER_MS_MAX = 5;
/** … and how many at once, after a time with fewer. */
export const SITES_BURST_MAX = 100;
/** Frames kept of a call site; what lies deeper costs time and says little. */
export const SITE_FRAMES_MAX = 32;
/** Frames of an await chain that are looked at for a proof. */
export const CHAIN_FRAMES_MAX = 100;
/** How long after its first look a blocked wait looks again whether it closes a cycle … */
export const WAIT_LOOK_MS_MIN = 10;
/** … each time this many times later … */
export const WAIT_LOOK_FACTOR = 10;
/** … but at least this often: somebody may begin to await it at any time. */
export const WAIT_LOOK_MS_MAX = 10_000;
/** Steps that one search for a cycle may take. A larger graph counts as free of cycles. */
export const WAIT_GRAPH_STEPS_MAX = 10_000;
/** Waits that are looked at in one turn of the loop: each reads a stack, at some 0.2 ms. */
export const WAIT_LOOKS_TURN_MAX = 20;
/**
 * How long a cycle must stand that somebody outside of it might undo: who has been given a guard, a
 * consumer that is added. Longer than the second that limiters hold a permit for and autoscalers
 * sleep, and well below the default deadline, at which it would end as well.
 */
export const DEADLOCK_STANDS_MS = 2_000;

/** The last instant that a `Date` can tell (ECMA-262, 21.4.1.1); also far below what SQLite's integers lose. */
export const EPOCH_MS_MAX = 8_640_000_000_000_000;

/** Items that may wait in a queue across threads. Its memory is laid out when it is made. */
export const SHARED_CAPACITY_DEFAULT = 1_024;
export const SHARED_CAPACITY_MAX = 1_048_576;
export const SHARED_HELD_MAX_DEFAULT = 1_024;
/** Most messages between threads are small; larger ones are put into pages. */
export const SHARED_SLOT_BYTES_DEFAULT = 256;
export const SHARED_SLOT_BYTES_MAX = 65_536;
/** The system's own: pages that are never used cost no memory. */
export const SHARED_PAGE_BYTES = 4_096;
export const SHARED_ITEM_BYTES_MAX_DEFAULT = 262_144;
export const SHARED_ITEM_BYTES_MAX_MAX = 67_108_864;
export const SHARED_LARGE_BYTES_MAX_MAX = 1_073_741_824;
/** Calls of one thread's event loop that wait for one thing of a shared queue. */
export const SHARED_WAITERS_MAX = 100_000;
/** Threads that have one queue or lock open: their number has eight bits in its words. */
export const SHARED_PARTIES_MAX = 255;
/** Nobody who waits for other threads sleeps for longer without a look whether one of them died … */
export const SHARED_LOOK_MS = 100;
/** … which one of all that wait does at most this often. */
export const SHARED_SWEEP_MS = 50;
/** Ends of workers that their thread remembers, for queues that it opens later. */
export const THREADS_REMEMBERED_MAX = 10_000;
/** How much of a call site stands in shared memory, for errors of other threads. */
export const SHARED_SITE_BYTES_MAX = 120;
/** The same of an error with which an item failed. */
export const SHARED_FAILURE_BYTES_MAX = 2_000;
/** Each permit of a shared semaphore is a word that says who has it. */
export const SHARED_PERMITS_MAX = 1_024;
/** Who has waited for a shared lock this long may make himself the next: until then passing by is cheaper. */
export const LOCK_PATIENCE_MS = 2;
/** An heir that has not come by then lets others pass: its event loop may be blocked. */
export const LOCK_HEIR_MS = 50;
/** Waits for a shared lock that last this long are shown to other threads, and looked at for a deadlock. */
export const SHARED_DEADLOCK_LOOK_MS = 10;
/** The last to come of a circle of waits is refused; if it has not been by then, any of them. */
export const SHARED_PATIENCE_MS = 1_000;
/** Waits for shared locks that all threads of a process can see at once. A wait beyond has its deadline only. */
export const SHARED_ROWS_MAX = 1_024;
export const SHARED_ROW_BYTES = 2_048;
/** Locks that a waiter is seen to hold. */
export const SHARED_HOLDS_TOLD_MAX = 16;

/** Calls that a pool of threads accepts and has not answered. */
export const POOL_CAPACITY_DEFAULT = 10_000;
export const POOL_CAPACITY_MAX = 1_000_000;
/** One call of a pool, from the call to its answer. Long enough for slow work, short enough to notice a hang. */
export const CALL_TIMEOUT_MS_DEFAULT = 30_000;
export const CALL_TIMEOUT_MS_MAX = 86_400_000;
/** How long a thread of a pool may be idle before it ends, when there are more than the least. */
export const POOL_IDLE_MS_DEFAULT = 60_000;
/** How often the supervisor looks at the threads of a pool while calls are under way. */
export const POOL_TICK_MS = 10;
/** It stops looking when nothing was under way for this time. */
export const POOL_REST_MS = 1_000;
/** A thread that leaves a call waiting for this time, while none runs, is blocked by what an earlier call left behind. */
export const POOL_UNRESPONSIVE_MS = 1_000;
/** Calls that a thread gets ahead of its answers: what runs in this time as measured … */
export const POOL_RUN_AHEAD_MS = 1;
/** … at least one more than it runs, unless the first takes longer than this … */
export const POOL_RUN_AHEAD_ONE_MS = 20;
/** … and never more than this many. */
export const POOL_RUN_AHEAD_CALLS_MAX = 1_024;
/** A thread that answers nothing for this much longer than thought gives back what it has not begun. */
export const POOL_STALL_MS = 5;
/** How often main looks after its threads while they have calls ahead. */
export const POOL_POLL_MS = 5;
/** A thread of another is waked rather than that a call waits behind this much work. */
export const POOL_WAKE_WORTH_MS = 0.05;
/** How long main looks for the answers of calls that are shorter than this, before it waits to be waked. */
export const POOL_GLANCE_MS = 0.05;
/** Answers read in one turn of the main loop from one thread. */
export const POOL_ANSWERS_TURN_MAX = 512;
/** Shared memory that a pool keeps for long bytes on their way to threads. */
export const POOL_STAGE_BYTES_MAX = 67_108_864;
/** How much later than its deadline a running call ends at the latest when nobody says where it is. */
export const CALL_LATE_MS_MAX = 500;
/** How often a thread's heap is measured, for pools that renew threads by it. */
export const POOL_HEAP_LOOK_MS = 1_000;
