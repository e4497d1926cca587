#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Builds the project and runs its tests. The last line is `N passed, N failed`.
set -uo pipefail

usage() {
    cat <<'USAGE'
usage: tools/test.sh [--suite NAME]... [--whole] [--build-dir DIR] [--no-install] [TEST...]

On a fresh Debian 12: installs with apt what is lacking, builds the project, runs all its tests and counts every test
point. The last line is `N passed, N failed`; the exit status is 0 only when none failed.

  --suite NAME      only this suite (unit, lint, e2e, ...); may be given more than once
  --whole           also what CI leaves out for time: the whole end-to-end suite on the emulator, 100 hostile moments of each
                    kind, 10^6 random changes of memory
  --build-dir DIR   build there instead of in build/
  --no-install      install nothing
  TEST              only the meson tests of this name
USAGE
}

project=$(cd "$(dirname "$0")/.." && pwd)
build=$project/build
install=yes
selection=()
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage; exit 0 ;;
    --suite) selection+=(--suite "${2:?--suite needs a name}"); shift 2 ;;
    --suite=*) selection+=("$1"); shift ;;
    --whole) selection+=(--setup whole); export OCCLUM_HOSTILE_RUNS=100 OCCLUM_STORM_OPERATIONS=1000000; shift ;;
    --build-dir) build=$(realpath -m "${2:?--build-dir needs a folder}"); shift 2 ;;
    --no-install) install=no; shift ;;
    -*) echo "test.sh: unknown option: $1" >&2; usage >&2; exit 2 ;;
    *) selection+=("$1"); shift ;;
    esac
done

# A build that does not come about is one failed test, and the last line says so like any other.
stop() {
    echo "test.sh: $1" >&2
    echo "0 passed, 1 failed"
    exit 1
}

cd "$project"
if [ "$install" = yes ]; then
    bash tools/install-deps.sh test </dev/null || stop "packages could not be installed"
fi
[ -f "$build/build.ninja" ] || meson setup "$build" || stop "meson setup failed"
ninja -C "$build" || stop "the build failed"

logs=$build/meson-logs
rm -f "$logs"/testlog.* "$logs"/testlog-whole.*
# Limits are for hangs: what is slow here, or busy with other work, gets more time.
scale=$(/usr/bin/python3 tests/limits.py) || stop "tests/limits.py failed"
export OCCLUM_TEST_SCALE=$scale
meson test -C "$build" --no-rebuild --print-errorlogs --timeout-multiplier "$(awk "BEGIN { print 5 * $scale }")" "${selection[@]}" </dev/null
meson_status=$?
for log in "$logs"/testlog-whole.*; do # meson names the logs of a setup after it
    [ -f "$log" ] && mv "$log" "${log/-whole/}"
done
/usr/bin/python3 tools/count-tests.py "$logs" "$meson_status"
