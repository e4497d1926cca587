#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# usage: planted.sh REPORT PROGRAM...: each program has a planted fault; its sanitizer must stop it with a report that
# holds the word REPORT. TAP.
report=$1
shift
echo "1..$#"
n=0
for program in "$@"; do
    n=$((n + 1))
    if out=$(timeout 100 "$program" 2>&1) || ! echo "$out" | grep -q "$report"; then
        echo "not ok $n - ${program##*/} is caught"
        echo "$out" | tail -5 | sed 's/^/# /'
    else
        echo "ok $n - ${program##*/} is caught"
    fi
done
