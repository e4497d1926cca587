#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The main job from nothing: builds the project, brings Debian's busybox and python3 into an instance, runs both.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: tools/demo.sh [--built DIR]

On a fresh Debian 12: installs with apt what is lacking, builds the project in build/, makes an instance in a temporary
folder, brings Debian's own busybox and python3 into it with copy_bom, builds it with SGX_MODE=SIM and runs both programs inside; then builds the same
instance for SGX with EDMM, runs it on the emulator and shows its report.
Ends with status 0 only when all printed what they should.

  --built DIR    installs and builds nothing: the project is built in DIR
USAGE
}

project=$(cd "$(dirname "$0")/.." && pwd)
build=$project/build
built=no
case ${1:-} in
-h | --help) usage; exit 0 ;;
--built) build=$(realpath "${2:?--built needs a folder}"); built=yes ;;
'') ;;
*) echo "demo.sh: unknown option: $1" >&2; usage >&2; exit 2 ;;
esac

step() { printf '\n== %s\n' "$*"; }

if [ $built = no ]; then
    step "packages"
    bash "$project/tools/install-deps.sh" demo </dev/null

    step "build of the project"
    cd "$project"
    [ -f "$build/build.ninja" ] || meson setup "$build"
    ninja -C "$build"
fi
export PATH="$build/bin:$PATH"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

step "occlum new demo"
occlum new demo
cd demo

step "bringing busybox and python3 of this Debian, with all they need"
cat >../demo.yaml <<'BOM'
includes: [busybox.yaml, python3.yaml]
BOM
cat ../demo.yaml
copy_bom -f ../demo.yaml --root image
du -sh image

step "SGX_MODE=SIM occlum build"
SGX_MODE=SIM occlum build
occlum status

good=yes
expect() {
    local wanted=$1
    shift
    printf '\n$ occlum'
    printf ' %q' "$@"
    printf '\n'
    local status=0 output
    output=$(timeout 900 occlum "$@" 2>&1) || status=$?
    printf '%s\n' "$output"
    if [ $status -ne 0 ] || ! grep -qF -- "$wanted" <<<"$output"; then
        printf 'demo.sh: status %s, wanted status 0 and the text: %s\n' "$status" "$wanted" >&2
        good=no
    fi
}

step "running both inside"
expect "hello from busybox" run /bin/busybox echo hello from busybox
expect "Linux" run /bin/busybox uname -a
expect "usr" run /bin/busybox ls -l /
expect "hello from python 3.11" run /usr/bin/python3 -c '
import sys, json, hashlib, threading
results = []
threads = [threading.Thread(target=lambda n=n: results.append(n * n)) for n in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print("hello from python %d.%d" % sys.version_info[:2])
print(json.dumps({"squares": sorted(results), "sha256": hashlib.sha256(b"occlum").hexdigest()}))'

[ $good = yes ] || exit 1
step "ENABLE_EDMM=Y occlum build: the same programs for SGX with EDMM"
# What the programs wrote to "/" is kept under a key of simulation, which SGX does not have. It is not needed here.
rm -r run/mount/__ROOT
# The same Occlum.json: the enclave starts with 1 MB for programs; what they need beyond is committed when they touch it.
SGX_MODE=HW ENABLE_EDMM=Y occlum build

step "running them on sgx2emu, the software SGX2 machine, with a report"
expect "hello from busybox" run --emulate /bin/busybox echo hello from busybox
expect "EDMM on" run --emulate --report /usr/bin/python3 -c '
block = bytearray(64 << 20)
del block
print("python took 64 MiB and gave them back")'

[ $good = yes ] || exit 1
step "the programs ran inside the enclave binary, in simulation and on emulated SGX2 (not on SGX hardware)"
