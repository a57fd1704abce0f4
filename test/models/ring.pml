/* The ring of SharedQueue (src/threads/shared): blocks whose word says state and owner, an index
 * ring that only follows, and bells. Two producers and two consumers; one of each may die before any
 * of its accesses to shared memory, also while it looks after another who died. Who sleeps looks by
 * himself (SHARED_LOOK_MS) once after each death and each sweep: all other wake-ups must come.
 *
 * What must hold when nobody can go on: the producers are through, all blocks are free, every
 * acknowledged item was settled, none twice, and the counters say so. An item that is lost, a hole
 * in the ring, a block that nobody frees, a lost wake-up: all end there.
 *
 * Each variant (-D…) is the same with one mistake, and must fail:
 *   HOLE           a place in the ring is claimed first and filled in later
 *   OWNERLESS      the owner goes out of the word before the item is in the ring
 *   COUNT_LATE     a block is freed before its settlement is counted
 *   SKIP_ON_RACE   who loses the word to "filled turns ready" takes the item for taken
 *   TAKE_WRITING   a number in the ring is trusted, whatever the block's word says
 *   LATE_HANG      the bell is hung after the last look
 *   HANG_FIRST     the bell is hung before its word is read: a ring for something else is taken for seen
 *   NO_BUMP        a ring wakes who sleeps, but does not change the word
 *   BLIND_FREE     what a dead thread left is freed, whatever its state
 */
#define NB 2            /* blocks */
#define CAP 1           /* items that may wait */
#define R 4             /* cells; positions are not wrapped: pos % R stands for place and lap */
#ifndef ITEMS0
#define ITEMS0 1        /* items of P0, 0 to 2 */
#endif
#define P0 0
#define P1 1
#define C0 2
#define C1 3
#define NOBODY 9

mtype = { FREE, WRITING, FILLED, READY, TAKEN, SETTLING };
mtype st[NB] = FREE;
byte own[NB] = NOBODY;
byte use[NB];
byte item[NB];          /* 0: half written */
byte counted[NB];

byte cellPos[R];        /* the position, plus 1, that the cell was written for; 0: never */
byte cellIdx[R];
byte head, tail;

byte done[4];           /* one counter per thread */
bool dead[4];           /* dies before its next access */
bool gone[4];           /* has died */
byte sweeper = NOBODY;
bool swept[4];

/* ghosts */
bool acked[4]; byte settled[4]; byte settledSum; byte ended; byte epoch; byte lookedAt[4];

/* two bells: items 0, room 1 */
byte rings[2]; bool hangs[2]; byte asleep[2]; byte wakes[2];

/* what was read for a step that is over makes no difference any more */
#define forget() atomic { t = 0; h = 0; v = 0; seen = 0; blk = 0; i = 0; u = 0; was = FREE; ok = false }
/* one access to shared memory, which the dead do not make */
#define STEP(x) atomic { if :: dead[me] -> goto died :: else fi; x }

/* a step of its own for taking the bell down, one for the word and who sleeps on it */
inline ring(b) {
  STEP(v = hangs[b]; hangs[b] = false);
  if
  :: v ->
#ifdef NO_BUMP
    STEP(if :: asleep[b] > 0 -> asleep[b]--; wakes[b]++ :: else fi)
#else
    STEP(rings[b]++; if :: asleep[b] > 0 -> asleep[b]--; wakes[b]++ :: else fi)
#endif
  :: else
  fi
}
inline hang(b) {
#ifdef HANG_FIRST
  STEP(hangs[b] = true);
  STEP(seen = rings[b])
#else
  STEP(seen = rings[b]);
  STEP(hangs[b] = true)
#endif
}
/* sleeps while rings[b] is still `seen` */
inline sleep(b) {
  atomic {
    if :: dead[me] -> goto died :: else fi;
    if :: rings[b] == seen -> asleep[b]++; v = 1 :: else -> v = 0 fi
  };
  if
  :: v == 1 ->
end_sleep: atomic { if
      :: wakes[b] > 0 -> wakes[b]--
      :: wakes[b] == 0 && lookedAt[me] != epoch && !dead[me] ->
         asleep[b]--; lookedAt[me] = epoch                        /* a look */
      :: wakes[b] == 0 && dead[me] -> asleep[b]--; goto died
     fi }
  :: else
  fi
}

/* puts block `blk` into the ring; ok = false when CAP are in it and `limited` */
inline push(limited) {
  do
  :: STEP(t = tail);
     STEP(h = head);
     if
     :: limited && t >= h && t - h >= CAP -> ok = false; break
     :: else
     fi;
#ifdef HOLE
     STEP(if :: tail == t -> tail++; ok = true :: else -> ok = false fi);
     if :: ok -> STEP(cellPos[t % R] = t + 1; cellIdx[t % R] = blk); break :: else fi
#else
     STEP(if
          :: cellPos[t % R] == t + 1 -> ok = false
          :: tail > t -> ok = false              /* the CAS of a cell of another lap fails */
          :: else -> cellPos[t % R] = t + 1; cellIdx[t % R] = blk; ok = true
          fi);
     STEP(if :: tail == t && cellPos[t % R] == t + 1 -> tail++ :: else fi; if :: ok -> break :: else fi)
#endif
  od
}

/* takes an item: ok says whether; blk is the block */
inline take() {
  ok = false; skipped = false;
  do
  :: STEP(h = head; v = (tail == h));
     if
     :: v ->
#ifdef HOLE
        break
#else
        STEP(v = (cellPos[h % R] == h + 1); if :: v && tail == h -> tail++ :: else fi);
        if :: v :: else -> break fi
#endif
     :: else ->
        STEP(v = (cellPos[h % R] == h + 1); blk = cellIdx[h % R]);
        if
        :: !v ->
#ifdef HOLE
           break          /* not filled in yet: later */
#else
           skip
#endif
        :: else ->
           do
           :: STEP(was = st[blk]; u = use[blk]);
#ifdef TAKE_WRITING
              if :: (was == FILLED || was == READY || was == WRITING) :: else -> break fi;
#else
              if :: (was == FILLED || was == READY) :: else -> break fi;
#endif
              STEP(v = (head == h);
                   if
                   :: v && st[blk] == was && use[blk] == u -> st[blk] = TAKEN; own[blk] = me; ok = true
                   :: else
                   fi);
              if :: v :: else -> break fi;
#ifdef SKIP_ON_RACE
              break
#else
              if :: ok -> break :: else fi
#endif
           od;
           STEP(if :: head == h -> head++ :: else fi);
           if :: ok -> break :: else -> skipped = true fi
        fi
     fi
  od;
  if :: !ok && skipped -> ring(1) :: else fi     /* it took up room */
}

inline settle() {
  assert(item[blk] != 0);                       /* never a half item */
#ifdef COUNT_LATE
  STEP(settled[item[blk]]++; settledSum++; st[blk] = FREE; own[blk] = NOBODY);
  STEP(done[me]++)
#else
  STEP(counted[blk] = done[me] + 1; st[blk] = SETTLING; settled[item[blk]]++; settledSum++);
  STEP(done[me] = counted[blk]);
  STEP(st[blk] = FREE; own[blk] = NOBODY)
#endif
}

/* gives back what `d` held; only one at a time, whose death the next one notices */
inline sweep(d) {
  STEP(if
       :: sweeper == NOBODY || (sweeper != me && gone[sweeper]) -> sweeper = me; ok = true
       :: else -> ok = false
       fi);
  if
  :: ok ->
     for (i : 0 .. NB - 1) {
       STEP(was = st[i]; v = (own[i] == d));
       blk = i;
       if
       :: v ->
#ifdef BLIND_FREE
          STEP(if :: own[blk] == d -> st[blk] = FREE; own[blk] = NOBODY :: else fi)
#else
          if
          :: was == WRITING -> STEP(st[blk] = FREE; own[blk] = NOBODY)
          :: was == FILLED ->
             STEP(if :: own[blk] == d && st[blk] == FILLED -> own[blk] = me; ok = true :: else -> ok = false fi);
             if :: ok -> push(false); ready() :: else fi
          :: was == TAKEN ->
             STEP(st[blk] = FILLED; own[blk] = me; use[blk] = 1 - use[blk]);
             push(false);
             ready()
          :: was == SETTLING ->
             STEP(done[d] = counted[blk]);
             STEP(st[blk] = FREE; own[blk] = NOBODY)
          :: else
          fi
#endif
       :: else
       fi
     }
     STEP(swept[d] = true; epoch++);
     STEP(sweeper = NOBODY);
     ring(0);
     ring(1)
  :: else
  fi
}

inline ready() {
  STEP(if :: st[blk] == FILLED && own[blk] == me -> st[blk] = READY; own[blk] = NOBODY :: else fi)
}

inline look() {
  if
  :: gone[P1] && !swept[P1] -> sweep(P1)
  :: gone[C1] && !swept[C1] -> sweep(C1)
  :: else
  fi
}

proctype Producer(byte me; byte first; byte last) {
  byte it = first; byte t, h, v, seen, blk, i, u; mtype was; bool ok;
  do
  :: it <= last ->
     do
     :: forget();
        hang(1);
        /* a free block */
        STEP(blk = NB; i = 0;
             do
             :: i < NB && st[i] == FREE -> st[i] = WRITING; own[i] = me; use[i] = 1 - use[i]; item[i] = 0; blk = i; break
             :: i < NB && st[i] != FREE -> i++
             :: i == NB -> break
             od);
        if
        :: blk < NB ->
#ifdef OWNERLESS
           STEP(item[blk] = it; st[blk] = READY; own[blk] = NOBODY);
#else
           STEP(item[blk] = it; st[blk] = FILLED);
#endif
           push(true);
           if
           :: ok -> ready(); ring(0); acked[it] = true; break
           :: else -> STEP(if
                           :: (st[blk] == FILLED && own[blk] == me) || (st[blk] == READY) -> st[blk] = FREE; own[blk] = NOBODY
                           :: else -> ok = true           /* somebody took it early */
                           fi);
                      if :: ok -> acked[it] = true; break :: else fi
           fi
        :: else
        fi;
        look();
        sleep(1)
     od;
     it++
  :: else -> break
  od;
  forget();
  ended++;
  goto fin;
died:
  atomic { ended++; gone[me] = true; epoch++ };
fin: skip
}

proctype Consumer(byte me) {
  byte t, h, v, seen, blk, i, u; mtype was; bool ok, skipped;
  do
  ::
#ifndef LATE_HANG
     forget();
     hang(0);
#endif
     take();
     if
     :: ok -> ring(1); settle(); ring(1)
     :: else ->
#ifdef LATE_HANG
        hang(0);
#endif
        look();
        sleep(0)
     fi
  od;
died:
  atomic { gone[me] = true; epoch++ }
}

/* may strike at any time, or never */
active proctype Death() {
#ifdef PDIES
  if
  :: dead[P1] = true
  :: skip
  fi;
#endif
#ifdef CDIES
  if
  :: dead[C1] = true
  :: skip
  fi;
#endif
  skip
}

/* when nobody can go on */
active proctype Judge() {
  timeout ->
  assert(ended == 2);
  assert(st[0] == FREE && st[1] == FREE);
  assert(!acked[1] || settled[1] == 1);
  assert(!acked[2] || settled[2] == 1);
  assert(!acked[3] || settled[3] == 1);
  assert(settled[1] <= 1 && settled[2] <= 1 && settled[3] <= 1);
  assert(done[C0] + done[C1] == settledSum)
}

init { atomic {
  run Producer(P0, 1, ITEMS0);
#ifdef NOP1
  ended++;
#else
  run Producer(P1, 3, 3);
#endif
  run Consumer(C0);
#ifndef NOC1
  run Consumer(C1)
#endif
} }
