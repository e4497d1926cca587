#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Processes as their programs and users see them: each case ends and prints inside as on Linux."""
import os
import signal
import subprocess
import time

from harness import OCCLUM, Group, Instance, compile_program, clean_environment, expect, expect_contains, expect_output, expect_status, kill_group, run_command

group = Group()

# What shells are for. Its output must be the same inside as outside.
SCRIPT = r'''
echo "pipeline: $(seq 100 | sort -rn | head -3 | tr '\n' ' ')"
count=$(seq 1 50 | while read -r line; do [ $((line % 3)) = 0 ] && echo "$line"; done | wc -l)
echo "subshell with a loop: $count"
x=1; (x=2; echo "inside $x"; exit 3); echo "outside $x, status $?"
f() { echo "function in a pipe: $1" | cat; }; f one
cat <<END | tr a-z A-Z
a here-document with $x
END
for i in 1 2 3; do /usr/bin/true; done; echo "loop $?"
sleep 0.2 & first=$!; (exit 5) & second=$!
wait $second; echo "second $?"; wait $first; echo "first $?"
trap 'echo "trapped"' USR1; kill -USR1 $$; trap - USR1
echo "nested: $(echo $(echo $(echo deep)))"
seq 20 | xargs -n 5 -P 4 printf '%s.' | wc -c
set -o pipefail 2>/dev/null; seq 5 | grep -q 9; echo "pipefail $?"
exec 3>/tmp/out; echo written >&3; exec 3>&-; cat /tmp/out
( trap 'echo bye' EXIT; exit 4 ); echo "trap on exit $?"
'''


def setup():
    instance = Instance('process', **{'metadata.debuggable': True})
    instance.pack('/bin/bash', '/bin/dash', '/usr/bin/cat', '/usr/bin/seq', '/usr/bin/sort', '/usr/bin/wc', '/usr/bin/tr', '/usr/bin/head', '/usr/bin/sleep', '/usr/bin/true', '/usr/bin/ls', '/usr/bin/grep', '/usr/bin/xargs', '/usr/bin/printf')
    instance.add_text('/bin/script', SCRIPT, mode=0o755)
    fixed = compile_program('fork', '-no-pie', output='fork-fixed')
    instance.pack(f'{fixed}=/bin/fork-fixed')
    instance.compile('fork', 'told_back', 'signal_rules', 'proc_watch', 'orderly_end', 'cpu_time', 'wait_signal', 'crash', 'credentials', 'pidfds', 'proc_files', 'limits', 'process_vm', 'stack_code')
    instance.build()
    return instance


def same(name, *arguments):
    group.add(name, lambda instance: instance.same(*arguments))


same('signals: no room for a frame, blocked ones, stops, none stranded', '/bin/signal_rules')


same('CPU time: clocks, getrusage, times, wait4, ITIMER_PROF, RLIMIT_CPU', '/bin/cpu_time')


same('resource limits that hold', '/bin/limits')
same('the memory of another process', '/bin/process_vm')
same('nested functions: code on the stack', '/bin/stack_code')
same('pidfds, clone3, waitid', '/bin/pidfds')
same('users, groups, capabilities; files of others; set-id programs', '/bin/credentials')


@group.case('/proc/PID and /proc: states, fields, threads, memory that was touched, as on this machine')
def _(instance):
    native = run_command([compile_program('proc_files')])
    inside = instance.run('/bin/proc_files')
    expect(native.text == inside.text and native.status == inside.status == 0, 'the outputs differ (inside, native)', inside, native)


@group.case('/proc/PID/{cwd,fd,maps,stat} of processes that execute and end')
def _(instance):
    expect_output(instance.run('/bin/proc_watch'), 'seen, 0 children failed\n')


same('fork: memory, shared memory, threads, generations, files, signals, exec', '/bin/fork')
same('the same by a program linked to a fixed address', '/bin/fork-fixed')
same('groups, sessions, parents, and what is told back of what was set', '/bin/told_back')
same('a script of bash: pipelines, subshells, substitution, jobs, traps', '/bin/bash', '/bin/script')
same('the same by dash', '/bin/dash', '/bin/script')


@group.case('the end of the first process: all others end, and what they wrote to shared maps of files is there')
def _(instance):
    names = ('first', 'sleeper', 'reader', 'spinner', 'orphan')
    read, write = os.pipe()
    try:
        begin = time.monotonic()
        result = instance.run('/bin/orderly_end', '/host', stdin=read)
        expect_status(result, 7)
        expect(time.monotonic() - begin < 30, 'it took long', result)
    finally:
        os.close(read)
        os.close(write)
    for name in names:
        with open(os.path.join(instance.folder, name), 'rb') as file:
            expect(file.read() == name.encode().ljust(4096, b'\0') + b'second page'.ljust(4096, b'\0'), f'{name} is not what was written', result)


@group.case('SIGTERM sent twice ends a program that ignores it')
def _(instance):
    process = subprocess.Popen([OCCLUM, 'run', '/bin/wait_signal', 'ignore'], cwd=instance.folder, env=clean_environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
    try:
        expect(process.stdout.read(6) == b'ready\n', 'the program did not start')
        process.terminate()
        time.sleep(0.5)
        expect(process.poll() is None, 'one SIGTERM ended what ignores it')
        process.terminate()
        process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        expect(False, 'it goes on')
    finally:
        kill_group(process)
        process.wait()
    expect(process.returncode in (143, -signal.SIGTERM), f'status {process.returncode}')


@group.case('SIGUSR1 of the host reaches a handler only where feature.host_signals says so')
def _(instance):
    for allowed, seen in ((False, (5, b'caught signal 2\n')), (True, (5, b'caught signal 0\n'))):
        instance.configure(**{'feature.host_signals': allowed})
        instance.build()
        process = subprocess.Popen([OCCLUM, 'run', '/bin/wait_signal', 'handle'], cwd=instance.folder, env=clean_environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
        try:
            expect(process.stdout.read(6) == b'ready\n', 'the program did not start')
            process.send_signal(signal.SIGUSR1)
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=30)
        finally:
            kill_group(process)
            process.wait()
        expect((process.returncode, out) == seen, f'allowed {allowed}: saw {process.returncode}, {out!r}')


@group.case('a crash is told in a line: program, signal, place')
def _(instance):
    for kind, text in (('segv', 'ended by signal 11 (SIGSEGV) at 0x'), ('abort', 'ended by signal 6 (SIGABRT) at 0x')):
        result = instance.run('/bin/crash', kind, env={'OCCLUM_LOG_LEVEL': 'error'})
        lines = [line for line in result.errors.splitlines() if 'crash[1]: ' + text in line]
        expect(len(lines) == 1, f'no line with {text!r}', result)
    expect(lines and 'address' not in lines[0], 'abort has no address')


if __name__ == '__main__':
    group.main(setup)
