#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Processes as their programs and users see them: each case ends and prints inside as on Linux."""
import os
import signal
import subprocess
import time

from harness import OCCLUM, Group, Instance, clean_environment, expect, expect_contains, expect_output, expect_status, kill_group

group = Group()


def setup():
    instance = Instance('process', **{'metadata.debuggable': True})
    instance.compile('signal_rules', 'proc_watch', 'orderly_end', 'cpu_time', 'wait_signal', 'crash')
    instance.build()
    return instance


def same(name, *arguments):
    group.add(name, lambda instance: instance.same(*arguments))


same('signals: no room for a frame, blocked ones, stops, none stranded', '/bin/signal_rules')


same('CPU time: clocks, getrusage, times, wait4, ITIMER_PROF, RLIMIT_CPU', '/bin/cpu_time')


@group.case('/proc/PID/{cwd,fd,maps,stat} of processes that execute and end')
def _(instance):
    expect_output(instance.run('/bin/proc_watch'), 'seen, 0 children failed\n')


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
