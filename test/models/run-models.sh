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

check correct passes
for variant in HOLE OWNERLESS COUNT_LATE SKIP_ON_RACE TAKE_WRITING LATE_HANG NO_BUMP BLIND_FREE; do
  check "$variant" fails "-D$variant"
done
exit "$failures"
