#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# plain_programs.sh SGX2EMU SIGNALS: programs that do not know SGX behave under the emulator as without it. TAP.
emulator=$1 signals=$2
number=0 failed=0

# same NAME COMMAND...: output and exit status are equal with and without the emulator.
same() {
    name=$1
    shift
    number=$((number + 1))
    expected=$("$@" 2>&1; echo "status $?")
    got=$("$emulator" "$@" 2>&1; echo "status $?")
    if [ "$expected" = "$got" ]; then
        echo "ok $number - $name"
    else
        failed=1
        printf '%s\n' "expected: $expected" "got: $got" | sed 's/^/# /'
        echo "not ok $number - $name"
    fi
}

same "exit status" sh -c 'exit 37'
same "pipes and children" sh -c 'for i in 1 2 3; do echo $i | cat | tr 1-3 a-c; done'
same "no such program" sh -c '/nonexistent; echo $?'
same "death of a child by SIGSEGV" sh -c 'sh -c "kill -SEGV \$\$"; echo $?'
same "an ignored SIGSEGV" sh -c 'trap "" SEGV; kill -SEGV $$; echo alive'
for case in ud2 ud2-handled segv-handled fpe-handled trap-handled blocked-cpuid ignored-cpuid mask-read-back \
    action-read-back threads system; do
    same "$case" "$signals" "$case"
done
same "bash" bash -c 'x=$(echo 5 | while read -r v; do echo $((v * 2)); done); echo $x; wait; (exit 4) & wait $!; echo $?'
if [ -x /usr/bin/python3 ]; then
    same "python3" /usr/bin/python3 -c '
import subprocess, threading, hashlib, signal
def run(): subprocess.run(["true"], check=True)
threads = [threading.Thread(target=run) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(hashlib.sha256(b"x").hexdigest(), signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGSEGV}),
      signal.pthread_sigmask(signal.SIG_BLOCK, []))'
fi
echo "1..$number"
exit $failed
