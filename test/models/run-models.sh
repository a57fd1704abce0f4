#!/usr/bin/env bash
# Checks ring.pml with Spin, and that each of its broken variants fails: a model that cannot fail
# proves nothing. Needs spin and gcc. Prints a line for each; exit code 1 when one is not as it must be.
set -euo pipefail
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
model=$PWD/ring.pml
failures=0

check() { # name, "passes" or "fails", definitions for spin
  local name=$1 wanted=$2 flags=("${@:3}") errors states
  (
    cd "$folder"
    rm -f pan*
    spin "${flags[@]}" -a "$model" > spin.log || { cat spin.log; exit 1; }
    gcc -O2 -DSAFETY -DCOLLAPSE -DVECTORSZ=2048 -o pan pan.c
    ./pan -m1000000 > pan.log
  )
  errors=$(grep -oP 'errors: \K\d+' "$folder/pan.log")
  states=$(grep -oP '^\s*\K[\d.e+]+(?= states, stored)' "$folder/pan.log")
  grep -q 'search depth too small\|max search depth' "$folder/pan.log" && errors="unknown: too deep"
  printf '%-14s %-6s errors=%s states=%s %s\n' "$name" "$wanted" "$errors" "$states" \
    "$(grep -m1 '^pan:1' "$folder/pan.log" | cut -c1-80 || true)"
  if [ "$wanted" = passes ] && [ "$errors" != 0 ]; then failures=1; fi
  if [ "$wanted" = fails ] && [ "$errors" != 1 ]; then failures=1; fi
}

# The threads that matter for each question; all four at once have more states than a minute allows.
readonly QUIET=(-DNOC1)
readonly PRODUCER_DIES=(-DNOC1 -DPDIES)
readonly CONSUMER_DIES=(-DNOP1 -DCDIES)
readonly BOTH_DIE=(-DPDIES -DCDIES -DITEMS0=0)

check quiet passes "${QUIET[@]}"
check producer-dies passes "${PRODUCER_DIES[@]}"
check consumer-dies passes "${CONSUMER_DIES[@]}"
check both-die passes "${BOTH_DIE[@]}"
for variant in SKIP_ON_RACE LATE_HANG HANG_FIRST NO_BUMP; do
  check "$variant" fails "${QUIET[@]}" "-D$variant"
done
for variant in HOLE OWNERLESS TAKE_WRITING; do
  check "$variant" fails "${PRODUCER_DIES[@]}" "-D$variant"
done
for variant in COUNT_LATE BLIND_FREE; do
  check "$variant" fails "${CONSUMER_DIES[@]}" "-D$variant"
done
exit "$failures"
