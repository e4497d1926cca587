#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# build_json.sh OUT [SECONDS]: builds fuzz_json with clang into the folder OUT; runs it so long on a copy of the kept corpus.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$1
mkdir -p "$out"
clang -std=gnu2x -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -I"$root/src" \
    "$root/tests/fuzz/fuzz_json.c" "$root"/src/config/*.c -o "$out/fuzz_json"
[ $# -lt 2 ] && exit 0
mkdir -p "$out/corpus" "$out/artifacts"
cp "$root"/tests/fuzz/corpus_json/* "$out/corpus/"
"$out/fuzz_json" -max_total_time="$2" -max_len=8192 -print_final_stats=1 -artifact_prefix="$out/artifacts/" "$out/corpus"
