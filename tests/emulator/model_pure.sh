#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# model_pure.sh ARCHIVE: the model's own objects use nothing but themselves, the project's crypto and memory functions: so no
# system call and no allocation. TAP. The judge is shown first that it notices a stranger.
set -eu
archive=$1
allowed='^(memcpy|memmove|memset|memcmp|aes128_(cmac|gcm_open|gcm_seal)|rsa_sigstruct_verify|sha256(_init|_update|_final)?|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_)$'
own=$(nm --defined-only "$archive" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u)

strangers() { # of the undefined names on standard input
    sort -u | grep -Ev "$allowed" | grep -Fxv "$own" || true
}

echo 1..2
if [ "$(printf 'malloc\nmemcpy\nwrite\n' | strangers | tr '\n' ' ')" = "malloc write " ]; then
    echo "ok 1 - the judge notices malloc and write"
else
    echo "not ok 1 - the judge notices malloc and write"
fi
found=$(nm -A -u "$archive" | grep '/model_[a-z_]*\.c\.o:' | awk '{ print $NF }' | strangers)
objects=$(ar t "$archive" | grep -c '/model_[a-z_]*\.c\.o$')
if [ -z "$found" ] && [ "$objects" -ge 14 ]; then
    echo "ok 2 - $objects objects without system calls and allocation"
else
    echo "# strangers: $found; $objects objects"
    echo "not ok 2 - objects without system calls and allocation"
fi
