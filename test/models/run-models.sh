#!/usr/bin/env bash
# Checks ring.pml with Spin, and that each of its broken variants fails: a model that cannot fail
# proves nothing. Needs spin and gcc; runs as many at once as there are cores. Prints a line for
# each; exit code 1 when one is not as it must be.
set -euo pipefail
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
model=$PWD/ring.pml
cores=$(nproc)

check() { # name, "passes" or "fails", definitions for spin
  local name=$1 wanted=$2 flags=("${@:3}") errors states
  mkdir "$folder/$name"
  cd "$folder/$name"
  spin "${flags[@]}" -a "$model" > spin.log || { cat spin.log; return 1; }
  # Not optimized: that took gcc 6 s for each of the 13, and spares the largest model 3 s of its 19.
  gcc -O0 -DSAFETY -DCOLLAPSE -DVECTORSZ=2048 -o pan pan.c
  ./pan -m1000000 > pan.log
  errors=$(grep -oP 'errors: \K\d+' pan.log)
  states=$(grep -oP '^\s*\K[\d.e+]+(?= states, stored)' pan.log)
  grep -q 'search depth too small\|max search depth' pan.log && errors="unknown: too deep"
  printf '%-14s %-6s errors=%s states=%s %s\n' "$name" "$wanted" "$errors" "$states" \
    "$(grep -m1 '^pan:1' pan.log | cut -c1-80 || true)"
  if [ "$wanted" = passes ]; then [ "$errors" = 0 ]; else [ "$errors" = 1 ]; fi
}

begin() { # the same in the background, once a core is free
  while [ "$(jobs -rp | wc -l)" -ge "$cores" ]; do wait -n || true; done
  { check "$@" || touch "$folder/failed"; } &
}

# The threads that matter for each question; all four at once have more states than a minute allows.
readonly QUIET=(-DNOC1)
readonly PRODUCER_DIES=(-DNOC1 -DPDIES)
readonly CONSUMER_DIES=(-DNOP1 -DCDIES)
readonly BOTH_DIE=(-DPDIES -DCDIES -DITEMS0=0)

# The longest first.
begin producer-dies passes "${PRODUCER_DIES[@]}"
begin both-die passes "${BOTH_DIE[@]}"
begin quiet passes "${QUIET[@]}"
begin consumer-dies passes "${CONSUMER_DIES[@]}"
for variant in SKIP_ON_RACE LATE_HANG HANG_FIRST NO_BUMP; do
  begin "$variant" fails "${QUIET[@]}" "-D$variant"
done
for variant in HOLE OWNERLESS TAKE_WRITING; do
  begin "$variant" fails "${PRODUCER_DIES[@]}" "-D$variant"
done
for variant in COUNT_LATE BLIND_FREE; do
  begin "$variant" fails "${CONSUMER_DIES[@]}" "-D$variant"
done
wait
[ ! -e "$folder/failed" ]
