#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The documents made from tables must be those of the present tables. usage: check_generated.sh SOURCE_ROOT
root=$1
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
echo 1..4
n=0
same() {
    n=$((n + 1))
    if cmp -s "$out/$1" "$root/docs/$1"; then echo "ok $n - docs/$1"; else echo "not ok $n - docs/$1 is not up to date: $2"; fi
}
"$root/tools/gen-syscalls.py" "$root/src/libos/syscall/syscalls.tbl" doc "$out/syscalls.md"
same syscalls.md "tools/gen-syscalls.py src/libos/syscall/syscalls.tbl doc docs/syscalls.md"
"$root/tools/gen-ocalls.py" "$root/src/abi/occlum/ocalls.tbl" doc "$out/ocalls.md"
same ocalls.md "tools/gen-ocalls.py src/abi/occlum/ocalls.tbl doc docs/ocalls.md"
"$root/tools/gen-locks.py" "$root/src/trusted/lock_class.h" "$out/locks.md"
same locks.md "tools/gen-locks.py src/trusted/lock_class.h docs/locks.md"
# A lock that nobody gives a class to stops the kernel bench when it is first taken; static ones are seen here.
n=$((n + 1))
unclassed=$(grep -rnE '^(static |    static )?struct (spinlock|mutex) [a-z_]+(\[[A-Za-z_]*\])?;' "$root/src" --include=*.c)
if [ -z "$unclassed" ]; then echo "ok $n - every static lock has a class"; else echo "not ok $n - locks without a class:"; echo "$unclassed" | sed 's/^/# /'; fi
