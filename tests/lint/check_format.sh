#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usage: check_format.sh PROJECT: every C file is as .clang-format has it, and no line of assembly is longer than that.
set -uo pipefail
cd "$1"
format=$(command -v clang-format-14 || command -v clang-format)

echo 1..3
planted=$(printf 'int   f( void ){return 1 ;}\n' | "$format" --assume-filename=src/planted.c --dry-run -Werror 2>&1)
if [ $? -ne 0 ] && [ -n "$planted" ]; then
    echo "ok 1 - planted fault is found"
else
    echo "not ok 1 - planted fault is found"
fi

mapfile -t sources < <(find src emulator tests examples bench -name '*.[ch]' -not -path '*/build*' | sort)
if faults=$("$format" --dry-run -Werror "${sources[@]}" 2>&1); then
    echo "ok 2 - ${#sources[@]} C files are formatted"
else
    echo "not ok 2 - C files are formatted: clang-format -i says how"
    grep error: <<<"$faults" | sed 's/^/# /' | head -20
fi

columns=$(sed -n 's/^ColumnLimit: //p' .clang-format)
mapfile -t assembly < <(find src emulator tests -name '*.S')
long=$(awk -v most="$columns" 'length > most { print FILENAME ":" FNR ": " length " columns" }' "${assembly[@]}")
if [ -z "$long" ]; then
    echo "ok 3 - lines of assembly have at most $columns columns"
else
    echo "not ok 3 - lines of assembly have at most $columns columns"
    sed 's/^/# /' <<<"$long"
fi
