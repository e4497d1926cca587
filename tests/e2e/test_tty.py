#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Terminals: pty pairs inside as on the host, job control, the host's terminal as that of the first process."""
import os
import pty
import select
import signal

from harness import OCCLUM, RUN_TIMEOUT, Group, Instance, clean_environment, expect, expect_status, limits, run_command, scratch

group = Group()


def setup():
    instance = Instance('tty')
    for name in ('pty', 'jobs'):
        instance.compile(name, flags=('-lutil',))
    instance.pack('/bin/bash=/bin/bash', '/bin/dash=/bin/sh', '/bin/sleep=/bin/sleep', '/bin/cat=/bin/cat', '/usr/bin/tty=/bin/tty',
                  '/bin/busybox=/bin/busybox')
    instance.build()
    return instance


def same_as_host(instance, name):
    """The program on the host itself: the twin's folder has no terminals."""
    native = run_command([os.path.join(scratch(), name)])
    inside = instance.run('/bin/' + name)
    expect_status(native, 0)
    expect_status(inside, 0)
    for number, (a, b) in enumerate(zip(native.text.splitlines(), inside.text.splitlines()), 1):
        expect(a == b, f'line {number} differs: natively {a!r}, inside {b!r}')
    expect(native.text == inside.text, 'one of them says more', native, inside)


@group.case('pairs: the line discipline, reading, names, poll, packets')
def _(instance):
    same_as_host(instance, 'pty')


@group.case('sessions, groups, the foreground, stopping and hanging up')
def _(instance):
    same_as_host(instance, 'jobs')


def at_terminal(instance, command, steps, inside=True):
    """Runs a program at a pty of the host: waits for each text, then types what follows it. (status, what was shown)"""
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(instance.folder)
        argv = [OCCLUM, *command] if inside else command
        os.execve(argv[0], argv, clean_environment({'TERM': 'dumb'}))
    seen, at = b'', 0
    deadline = limits.Deadline(RUN_TIMEOUT)
    try:
        for text, keys in [*steps, (None, None)]:
            while text is None or text not in seen[at:]:
                if not select.select([master], [], [], 1)[0]:
                    expect(deadline.left() > 0, f'waited in vain for {text!r}, saw {seen!r}')
                    continue
                try:
                    data = os.read(master, 4096)
                except OSError: # the other end is gone
                    data = b''
                if not data:
                    break
                seen += data
            if text is not None:
                expect(text in seen[at:], f'ended before {text!r}, saw {seen!r}')
                at = seen.index(text, at) + len(text)
                os.write(master, keys)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        pid = 0
        return status, seen.decode('utf-8', 'replace')
    finally:
        if pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(master)


SHELL = ['/bin/bash', '--norc', '--noediting', '-i']
# Says when it runs, and when it was continued: then it is in the foreground, and keys reach it.
# bash, not dash: who stops between vfork and exec keeps its parent from stopping, on Linux too, and dash makes its children by vfork.
JOB = b"""bash -c 'trap "echo ba""ck" CONT; echo st""art; while :; do sleep 0.05; done'"""
# A session at a shell's prompt, which comes when the shell is back in the foreground.
JOBS = [(b'# ', b'tty\n'), (b'/dev/pts/0', b''), (b'# ', JOB + b'\n'), (b'start', b'\x1a'), (b'Stopped', b''),
           (b'# ', b'jobs\n'), (b'Stopped', b''), (b'# ', b'fg\n'), (b'back', b'\x03'), (b'# ', b'echo was $?\n'), (b'was 130', b'')]
SESSION = JOBS + [(b'# ', b'cat\n'), (b'cat\r\n', b'a line\n\x04'), (b'a line\r\na line', b''), (b'# ', b'exit 5\n')]


@group.case("bash at the host's terminal: ^Z, jobs, fg, ^C, end of file")
def _(instance):
    status, seen = at_terminal(instance, ['run', *SHELL], SESSION)
    expect(status == 5, f'status {status}, saw {seen!r}')


@group.case("dash and busybox sh at the host's terminal: the same")
def _(instance):
    # busybox edits lines itself: what is typed before its command has the terminal is not for that.
    for shell, steps in ((['/bin/sh', '-i'], SESSION), (['/bin/busybox', 'sh', '-i'], JOBS + SESSION[-1:])):
        status, seen = at_terminal(instance, ['run', *shell], steps)
        expect(status == 5, f'{shell}: status {status}, saw {seen!r}')


@group.case('^C ends a program without a shell, ^Z stops occlum itself')
def _(instance):
    status, seen = at_terminal(instance, ['run', '/bin/sh', '-c', 'echo here; sleep 100'], [(b'here', b'\x03')])
    expect(status == 130, f'status {status}, saw {seen!r}')
    program = OCCLUM.encode() + b""" run /bin/""" + JOB
    steps = [(b'# ', program + b'\n'), (b'start', b'\x1a'), (b'Stopped', b''), (b'# ', b'fg\n'), (b'back', b'\x03'), (b'# ', b'echo was $?\n'),
             (b'was 130', b''), (b'# ', b'exit 6\n')]
    status, seen = at_terminal(instance, SHELL, steps, inside=False)
    expect(status == 6, f'status {status}, saw {seen!r}')


if __name__ == '__main__':
    group.main(setup)
