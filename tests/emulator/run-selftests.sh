#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# run-selftests.sh SGX2EMU [EPC_MB]...
# Builds the SGX selftests of Debian's linux-source package (any version installed) and runs them under the emulator: TAP,
# one line for each EPC size (default 32), where a skipped case counts as a failure, and two for machines without SGX2. Exit status 77: no such package.
set -eu
emulator=$(realpath "$1")
shift
[ $# -gt 0 ] || set -- 32
package=$(ls /usr/src/linux-source-*.tar.xz 2>/dev/null | tail -n 1)
[ -n "$package" ] || { echo "1..0 # SKIP linux-source is not installed"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$(basename "$package" .tar.xz)
tests=$work/$root/tools/testing/selftests
tar -xJf "$package" -C "$work" "$root/tools/testing/selftests/sgx" "$root/tools/testing/selftests/kselftest.h" \
    "$root/tools/testing/selftests/kselftest_harness.h" "$root/tools/include" "$root/tools/arch/x86/include" \
    "$root/arch/x86/include/asm/sgx.h" "$root/arch/x86/include/asm/enclu.h" "$root/arch/x86/include/uapi/asm/sgx.h"

cd "$tests/sgx"
include=$work/$root/tools/include
for source in main.c load.c sigstruct.c call.S sign_key.S; do
    cc -g -w -fPIC -I"$include" -c "$source" -o "${source%.*}.o"
done
cc -z noexecstack -o test_sgx main.o load.o sigstruct.o call.o sign_key.o -lcrypto
cc -w -static -nostdlib -nostartfiles -fPIC -fno-stack-protector -mrdrnd -I"$include" -T test_encl.lds \
    test_encl.c test_encl_bootstrap.S -o test_encl.elf -Wl,--build-id=none,--no-warn-execstack

echo "1..$(($# + 2))"
number=0 failed=0
for size in "$@"; do
    number=$((number + 1))
    "$emulator" --epc "${size}M" ./test_sgx >log 2>&1 || true
    cases=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' log)
    skipped=$(grep -c '^ok .*# SKIP' log || true)
    passed=$(($(grep -c '^ok ' log || true) - skipped))
    if [ -n "$cases" ] && [ "$cases" -ge 16 ] && [ "$passed" -eq "$cases" ]; then
        echo "ok $number - EPC $size MB: $passed passed, 0 skipped, 0 failed"
    else
        failed=1
        sed 's/^/# /' log
        echo "not ok $number - EPC $size MB: $passed of ${cases:-?} passed, $skipped skipped"
    fi
done
# A CPU or a driver without SGX2: the ten cases of SGX2 skip themselves and say why, as on such a machine; the others pass.
for option in --sgx1 --driver=5.11; do
    number=$((number + 1))
    "$emulator" --epc 32M $option ./test_sgx >log 2>&1 || true
    cases=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' log)
    skipped=$(grep -c '^ok .*# SKIP .*\(SGX2\|SGX_IOC_ENCLAVE\|adding pages\)' log || true)
    passed=$(($(grep -c '^ok ' log || true) - skipped))
    if [ -n "$cases" ] && [ "$skipped" -ge 10 ] && [ "$passed" -ge 6 ] && [ $((passed + skipped)) -eq "$cases" ]; then
        echo "ok $number - $option: $passed passed, $skipped of SGX2 skipped, 0 failed"
    else
        failed=1
        sed 's/^/# /' log
        echo "not ok $number - $option: $passed of ${cases:-?} passed, $skipped skipped"
    fi
done
exit $failed
