#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Installs with apt what this project needs and the machine lacks (Debian 12).
# Asks dpkg first, so it is instant and needs no root when nothing lacks.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: tools/install-deps.sh [--print] [build|demo|test|all]

Installs the Debian packages this project needs and this machine lacks.

  build   what building the project and `occlum build` need
  demo    build, and the programs that tools/demo.sh packs
  test    build, and what the tests and the benchmarks need (the default)
  all     test, and what the analysis tools need

  --print   only say what is lacking; install nothing
USAGE
}

build_packages=(
    meson ninja-build gcc libc6-dev binutils pkg-config python3
    libssl-dev libexpat1-dev libyaml-dev libcyaml-dev libjansson-dev libzydis-dev libipsec-mb-dev libfuse3-dev
    erofs-utils cryptsetup-bin
)
demo_packages=(busybox python3.11)
test_packages=(
    python3-cryptography linux-source-6.1 bzip2 musl-tools coreutils findutils grep sed gzip
    make golang-go strace xz-utils file procps
    redis-server redis-tools e2fsprogs
    gdb valgrind runsc openssl fuse3
    clang-14 clang-format-14 libclang-rt-14-dev lld
)
analysis_packages=(universal-ctags clang-tidy-14 zydis-tools hyperfine)

group=test
print_only=no
for argument in "$@"; do
    case $argument in
    -h | --help) usage; exit 0 ;;
    --print) print_only=yes ;;
    build | demo | test | all) group=$argument ;;
    *) echo "install-deps.sh: unknown argument: $argument" >&2; usage >&2; exit 2 ;;
    esac
done

packages=("${build_packages[@]}")
case $group in
demo) packages+=("${demo_packages[@]}") ;;
test) packages+=("${demo_packages[@]}" "${test_packages[@]}") ;;
all) packages+=("${demo_packages[@]}" "${test_packages[@]}" "${analysis_packages[@]}") ;;
esac

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

lacking=()
for package in "${packages[@]}"; do
    is_installed "$package" || lacking+=("$package")
done

if [ ${#lacking[@]} -eq 0 ]; then
    exit 0
fi
if [ "$print_only" = yes ]; then
    printf '%s\n' "${lacking[@]}"
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
        echo "install-deps.sh: these packages are lacking, and installing them needs root:" >&2
        echo "    apt-get install ${lacking[*]}" >&2
        exit 1
    fi
    as_root=(sudo -n)
fi

echo "installing: ${lacking[*]}"
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
# The lists of a fresh machine are empty or old; those of a used one usually do.
install=("${apt[@]}" install -y --no-install-recommends "${lacking[@]}")
if ! "${apt[@]}" install -s --no-install-recommends "${lacking[@]}" >/dev/null 2>&1 || ! "${install[@]}"; then
    "${apt[@]}" update
    "${install[@]}"
fi
