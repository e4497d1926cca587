#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Signals, threads, time and memory calls, by small programs; Ctrl-C from outside."""
import os
import pty
import signal
import subprocess
import time

from harness import (OCCLUM, Group, Instance, clean_environment, communicate, expect, expect_output, expect_status, kill_group, limits,
                     needs_address_space)

group = Group()


def setup():
    instance = Instance('signals')
    instance.compile('handler', 'restart', 'alarm', 'wait_signal', 'sync', 'mappings', 'clocks', 'auxv', 'poll', 'locks', 'posix_timers', 'greedy', 'bad_return', 'storms', 'unwind_signal')
    instance.build()
    return instance


def same(name, *arguments):
    group.add(name, lambda instance: instance.same(*arguments))


same('handlers, siginfo, masks, sigqueue', '/bin/handler')
same('libgcc unwinds through the frame of a signal, registers come back', '/bin/unwind_signal')
same('SA_RESTART and EINTR', '/bin/restart')
same('alarm and interval timers', '/bin/alarm')
same('POSIX timers', '/bin/posix_timers')
same('timers and senders as fast as they can', '/bin/storms')
same('a handler or a return address where no code can be', '/bin/bad_return')
same('16 threads: mutex, barrier, semaphore, thread-local data, robust mutex', '/bin/sync')


@group.case('mmap, mprotect, mremap, madvise, brk')
def _(instance):
    needs_address_space()
    instance.same('/bin/mappings')


@group.case('a runtime that reserves all the addresses it can get leaves some to others')
def _(instance):
    needs_address_space()
    instance.same('/bin/greedy')


same('pipes, eventfd, poll, select', '/bin/poll')
same('record locks and flock', '/bin/locks')
same('auxiliary vector', '/bin/auxv')


@group.case('clocks')
def _(instance):
    expect_output(instance.run('/bin/clocks', str(time.time())),
                  'goes back: 0, moves: yes\nreal time is near: yes\nslept: yes\ncpu time: yes\n')




def signal_to_host(instance, number, *arguments):
    """Starts wait_signal, waits until it is ready, sends the host process a signal. Returns (status, output)."""
    process = subprocess.Popen([OCCLUM, 'run', '/bin/wait_signal', *arguments], cwd=instance.folder, env=clean_environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
    try:
        first = process.stdout.read(6)
        expect(first == b'ready\n', f'the program did not start: {first!r}')
        time.sleep(0.2)
        os.kill(process.pid, number)
        out, _, hangs = communicate(process, None, limits.Deadline(20))
        expect(not hangs, f'the process ignores signal {number}')
    finally:
        kill_group(process)
        process.wait()
    return process.returncode if process.returncode >= 0 else 128 - process.returncode, out


@group.case('SIGINT ends a waiting program: 130')
def _(instance):
    expect(signal_to_host(instance, signal.SIGINT) == (130, b''), 'not 130')


@group.case('SIGINT ends a program that spins without system calls: 130')
def _(instance):
    expect(signal_to_host(instance, signal.SIGINT, 'spin') == (130, b''), 'not 130')


@group.case('SIGINT reaches the program\'s handler')
def _(instance):
    seen = signal_to_host(instance, signal.SIGINT, 'handle')
    expect(seen == (5, b'caught signal 2\n'), f'saw {seen}')


@group.case('SIGTERM ends it: 143')
def _(instance):
    expect(signal_to_host(instance, signal.SIGTERM) == (143, b''), 'not 143')


@group.case('Ctrl-C on a terminal: 130')
def _(instance):
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(instance.folder)
        os.execve(OCCLUM, [OCCLUM, 'run', '/bin/wait_signal'], clean_environment())
    try:
        seen = b''
        while b'ready' not in seen:
            seen += os.read(terminal, 100)
        time.sleep(0.2)
        os.write(terminal, b'\x03')
        ended = limits.wait_for(lambda: os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT), 20)
        expect(ended, 'Ctrl-C did not end it')
        ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        expect(ended in (130, -2), f'ended with {ended}')
    finally:
        os.close(terminal)
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass


if __name__ == '__main__':
    group.main(setup)
