#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""start, exec, stop, status: one enclave for many programs, each with its caller's streams, terminal, signals, status."""
import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import time

from harness import (OCCLUM, PLATFORM, RUN_TIMEOUT, Group, Instance, Skip, clean_environment, communicate, expect, expect_contains, expect_output,
                     expect_status, limits, occlum)
from test_tty import JOB, SESSION, SHELL, at_terminal

group = Group()
BOX, SH = '/bin/busybox', ('/bin/busybox', 'sh', '-c')
SOCKET = 'run/exec/occlum.sock'
servers = set()


@atexit.register
def _end_servers():
    for pid in servers:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def until(condition, what):
    """The first true answer of the condition."""
    deadline = limits.Deadline(RUN_TIMEOUT)
    while not (answer := condition()):
        expect(deadline.left() > 0, f'waited in vain: {what}')
        time.sleep(0.02)
    return answer


class Served:
    """An instance whose enclave is started; it is stopped at the end of the `with`."""

    def __init__(self, instance, *options):
        self.instance, self.options, self.pid = instance, options, None

    def __enter__(self):
        expect_output(self.do('start', *self.options), '')
        self.pid = self.enclave()['pid']
        servers.add(self.pid)
        return self

    def __exit__(self, *_):
        if self.alive():
            self.do('stop', '--time', '0')
        servers.discard(self.pid)

    def do(self, *arguments, **options):
        return occlum(*arguments, cwd=self.instance.folder, **options)

    def exec(self, *arguments, **options):
        return self.do('exec', *arguments, **options)

    def enclave(self):
        """What status tells of it; None: it does not run."""
        return json.loads(self.do('status', '--json').text)['enclave']

    def alive(self):
        return os.path.exists(f'/proc/{self.pid}')

    def begin(self, *arguments, **options):
        """An exec in the background."""
        def defaults(): # a job in the background of a shell ignores these
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGQUIT, signal.SIG_DFL)
        return subprocess.Popen([OCCLUM, 'exec', *arguments], cwd=self.instance.folder, env=clean_environment(), start_new_session=True,
                                preexec_fn=defaults, **{'stdin': subprocess.DEVNULL, 'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, **options})


def end(process):
    """(status as a shell shows it, stdout, stderr) of a process."""
    out, err, late = communicate(process, None, limits.Deadline(RUN_TIMEOUT))
    expect(not late, f'{process.args} does not end; it said {out!r} {err!r}')
    return 128 - process.returncode if process.returncode < 0 else process.returncode, out or b'', err or b''


def line(process):
    """Its next line, when it has said it."""
    return process.stdout.readline().decode().strip()


def setup():
    instance = Instance('start', persistent=True, **{'feature.host_signals': True})
    instance.pack(f'{BOX}={BOX}', '/bin/bash=/bin/bash', '/bin/dash=/bin/sh', '/bin/sleep=/bin/sleep', '/bin/cat=/bin/cat', '/usr/bin/tty=/bin/tty')
    instance.add_text('/bin/text', 'neither program nor script\n')
    instance.build()
    return instance


@group.case('streams, arguments, environment, folder and exit status are those of run')
def _(instance):
    with Served(instance) as served:
        expect_output(served.exec(BOX, 'echo', 'a b', '', 'c'), 'a b  c\n')
        expect_output(served.exec('--', BOX, 'cat', stdin='in\n'), 'in\n')
        expect_status(served.exec(*SH, 'exit 200'), 200)
        killed = served.exec(*SH, 'echo out; echo err >&2; kill -9 $$')
        expect_output(killed, 'out\n', status=137)
        expect(killed.err == b'err\n', 'stderr is another', killed)
        env = {'OFFERED': 'yes', 'NOT_OFFERED': 'no'}
        expect_output(served.exec(BOX, 'env', env=env), 'PATH=/usr/bin:/bin\nHOME=/root\nLANG=C.UTF-8\nOFFERED=yes\n')
        expect_output(served.exec(BOX, 'pwd'), '/\n')
        expect_output(served.exec('-w', '/bin', BOX, 'pwd'), '/bin\n')
        large = 'x' * 100000
        expect_output(served.exec(BOX, 'echo', large, large), f'{large} {large}\n')
        # Without a standard input there is none inside.
        expect_output(served.exec(*SH, 'ls /proc/self/fd/0 2>&- && echo open; echo end', preexec=lambda: os.close(0)), 'end\n')
        # A program is a child of the LibOS's own process 1, in a session and group of its own.
        expect_output(served.exec(*SH, 'set -- $(cat /proc/$$/stat); echo $(($1 == $5)) $(($5 == $6)) $4; cat /proc/1/comm'), '1 1 1\nocclum\n')


@group.case('what cannot run is refused in the words and with the status of run')
def _(instance):
    with Served(instance) as served:
        for program, status in (('/etc/passwd', 126), ('/bin/nope', 127), ('/bin/text', 126), ('/bin', 126), ('sh', 127)):
            result = served.exec(program)
            expect_status(result, status)
            # What an enclave without a root of its own would say.
            expect(program in result.errors and result.errors.startswith('occlum: '), 'another message', result)
        result = served.exec('-w', '/nowhere', BOX, 'true')
        expect(result.status == 126 and 'folder' in result.errors, 'a wrong folder', result)
        for arguments in ((), ('-w', 'bin', BOX), ('--nope', BOX)):
            expect_status(served.exec(*arguments), 2)
        expect_output(served.exec(BOX, 'echo', 'well'), 'well\n')


@group.case('many at once, each with its own streams and status')
def _(instance):
    with Served(instance) as served:
        running = [served.begin(*SH, f'cat; echo {i}; exit {i}', stdin=subprocess.PIPE) for i in range(20)]
        until(lambda: len(served.enclave()['programs']) == 20, 'all 20 run')
        for i, process in enumerate(running):
            process.stdin.write(b'%d\n' % (i * i))
            process.stdin.close()
            process.stdin = None
            status, out, _ = end(process)
            expect(status == i and out == b'%d\n%d\n' % (i * i, i), f'program {i} ended with {status}, said {out!r}')


def report(served, path):
    """What the enclave holds: committed bytes of a region each; and the host's process: descriptors, threads."""
    if os.path.exists(path):
        os.unlink(path)
    os.kill(served.pid, signal.SIGUSR1)
    until(lambda: os.path.exists(path), 'the report is there')
    with open(path, encoding='utf-8') as file:
        regions = json.load(file)['regions']
    seen = {name: regions[name]['current'] for name in ('kernel_heap', 'user_space')}
    seen['descriptors'] = len(os.listdir(f'/proc/{served.pid}/fd'))
    seen['host threads'] = len(os.listdir(f'/proc/{served.pid}/task'))
    return seen


@group.case('100 programs in a row leave nothing behind: memory, kernel heap, descriptors, threads')
def _(instance):
    path = os.path.join(instance.folder, 'report.json')
    with Served(instance, f'--report={path}') as served:
        def some(count):
            for i in range(count):
                expect_output(served.exec(*SH, f'echo {i} | cat; (true &)'), f'{i}\n')
            until(lambda: served.enclave()['processes'] == 0, 'the orphans are gone')
        some(20 if PLATFORM == 'sim' else 10)
        before = report(served, path)
        # What is cached settles in the first rounds; what is lost would be lost in each.
        for _ in range(4):
            some(100 if PLATFORM == 'sim' else 25)
            after = report(served, path)
            # Threads that wait for work are as many as were busy at once, which is a matter of chance.
            grown = [name for name, value in before.items()
                     if after[name] > (value + 4 if name == 'host threads' else value * 1.01)]
            if not grown:
                return
            seen, before = before, after
        expect(False, f'{grown} grow: {seen} before, {after} after')


@group.case('signals reach the program; its handlers, its end')
def _(instance):
    with Served(instance) as served:
        for signo in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1):
            # busybox' own shell ignores SIGQUIT, until it has executed the other program.
            process = served.begin('/bin/busybox', 'yes') if signo == signal.SIGQUIT else served.begin(*SH, 'echo here; exec sleep 1000')
            line(process)
            process.send_signal(signo)
            status, out, err = end(process)
            expect(status == 128 + signo, f'{signo!r}: status {status}, {out!r} {err!r}')
        trap = 'trap "echo told; exit 9" %s; echo here; while :; do sleep 0.05; done'
        for signo in ('INT', 'TERM', 'HUP', 'WINCH', 'USR2'):
            process = served.begin(*SH, trap % signo)
            line(process)
            process.send_signal(signal.Signals['SIG' + signo])
            status, out, err = end(process)
            expect((status, out) == (9, b'told\n'), f'{signo}: status {status}, {out!r} {err!r}')
        # One program's signals are not another's.
        first, second = served.begin(*SH, trap % 'TERM'), served.begin(*SH, trap % 'TERM')
        line(first)
        line(second)
        second.send_signal(signal.SIGTERM)
        expect(end(second)[0] == 9, 'the second did not end')
        expect(first.poll() is None and len(served.enclave()['programs']) == 1, 'the first ended too')
        first.send_signal(signal.SIGTERM)
        expect(end(first)[0] == 9, 'the first did not end')


@group.case('the end of a client is SIGHUP for its program, which may go on without')
def _(instance):
    with Served(instance) as served:
        process = served.begin(*SH, 'echo here; while :; do sleep 0.05; done')
        line(process)
        process.kill()
        process.wait() # the program still has its output
        until(lambda: not served.enclave()['programs'] and served.enclave()['processes'] == 0, 'the program ends')
        process = served.begin(*SH, 'trap "" HUP; echo here; sleep 0.5; echo survived > /root/survivor; while :; do sleep 0.05; done')
        line(process)
        process.kill()
        process.wait() # the program still has its output
        until(lambda: served.exec(BOX, 'cat', '/root/survivor').text == 'survived\n', 'the program goes on')
        expect(len(served.enclave()['programs']) == 1, 'status does not show it')


@group.case('status: the enclave, its programs, their children and orphans')
def _(instance):
    before = int(time.time())
    with Served(instance) as served:
        expect(served.enclave()['processes'] == 0, 'something runs')
        process = served.begin(*SH, 'sleep 1000 & echo here; wait')
        line(process)
        enclave = served.enclave()
        expect(enclave['processes'] == 2 and len(enclave['programs']) == 1, f'{enclave}')
        program = enclave['programs'][0]
        expect(program['program'] == BOX and before <= enclave['since'] <= program['since'] <= time.time() + 1, f'{enclave}')
        expect_contains(served.do('status'), 'runs since', f'process {program["pid"]} inside', BOX, 'occlum run')
        process.terminate()
        process.wait() # its child still has the output
        # The child outlives the program that left it, an orphan of process 1.
        enclave = served.enclave()
        expect(enclave['processes'] == 1 and not enclave['programs'], f'{enclave}')
        expect_status(served.exec(BOX, 'killall', 'sleep'), 0)
        until(lambda: served.enclave()['processes'] == 0, 'the orphan is reaped')
    expect_contains(served.do('status'), 'does not run')


@group.case('a terminal: bash with job control, ^C, ^Z')
def _(instance):
    with Served(instance) as served:
        status, seen = at_terminal(instance, ['exec', *SHELL], SESSION)
        expect(status == 5, f'status {status}, saw {seen!r}')
        status, seen = at_terminal(instance, ['exec', '/bin/sh', '-c', 'echo here; sleep 100'], [(b'here', b'\x03')])
        expect(status == 130, f'status {status}, saw {seen!r}')
        program = OCCLUM.encode() + b' exec /bin/' + JOB
        steps = [(b'# ', program + b'\n'), (b'start', b'\x1a'), (b'Stopped', b''), (b'# ', b'fg\n'), (b'back', b'\x03'), (b'# ', b'echo was $?\n'),
                 (b'was 130', b''), (b'# ', b'exit 6\n')]
        status, seen = at_terminal(instance, SHELL, steps, inside=False)
        expect(status == 6, f'status {status}, saw {seen!r}')
        expect(served.enclave()['processes'] == 0, 'something is left')


@group.case('stop: SIGTERM, the time, SIGKILL; clients hear of both; nothing is left')
def _(instance):
    with Served(instance) as served:
        polite = served.begin(*SH, 'trap "echo bye; echo kept > /root/kept; exit 3" TERM; echo here; while :; do sleep 0.05; done')
        line(polite)
        started = time.monotonic()
        expect_output(served.do('stop'), '')
        expect(end(polite)[:2] == (3, b'bye\n'), 'its handler did not run')
        expect(not served.alive() or until(lambda: not served.alive(), 'the process is gone'), 'the process is there')
        expect(not os.path.exists(os.path.join(instance.folder, SOCKET)), 'the socket is there')
    with Served(instance) as served:
        expect_output(served.exec(BOX, 'cat', '/root/kept'), 'kept\n')
        busy = served.begin(*SH, 'trap "" TERM; echo here; while :; do :; done')
        line(busy)
        started = time.monotonic()
        expect_output(served.do('stop', '-t', '1'), '')
        expect(time.monotonic() - started >= 1, 'it had no time')
        expect(end(busy)[0] == 137, 'it was not killed')
    with Served(instance) as served:
        stuck = served.begin(*SH, 'trap "" TERM; echo here; while :; do sleep 0.05; done')
        line(stuck)
        slow = subprocess.Popen([OCCLUM, 'stop', '-t', '1000'], cwd=instance.folder, env=clean_environment(), start_new_session=True)
        until(lambda: 'stopped' in served.exec(BOX, 'true').errors, 'no program begins any more')
        expect_output(served.do('stop', '-t', '0'), '') # a second one shortens the time
        expect(end(slow)[0] == 0 and end(stuck)[0] == 137, 'the first stop did not end')
    for arguments in (('-t', 'x'), ('-t', '-1'), ('more',)):
        expect_status(served.do('stop', *arguments), 2)
    result = served.do('stop')
    expect(result.status == 1 and 'occlum start' in result.errors, 'stopped without an enclave', result)


@group.case('one enclave at a time; what a killed one left does not hinder')
def _(instance):
    with Served(instance) as served:
        result = served.do('start')
        expect(result.status == 1 and 'runs already' in result.errors, 'a second one started', result)
        result = served.do('start', '--foreground')
        expect(result.status == 1 and 'runs already' in result.errors, 'a second one started', result)
        served.exec(*SH, 'echo durable > /root/durable')
        os.kill(served.pid, signal.SIGKILL)
        until(lambda: not served.alive(), 'it is gone')
        expect(os.path.exists(os.path.join(instance.folder, SOCKET)), 'this shows nothing')
        expect(served.enclave() is None, 'status finds an enclave')
        result = served.exec(BOX, 'true')
        expect(result.status == 125 and 'occlum start' in result.errors, 'exec without an enclave', result)
    with Served(instance) as served:
        expect_output(served.exec(BOX, 'cat', '/root/durable'), 'durable\n')
        process = served.begin(*SH, 'echo here; while :; do sleep 0.05; done')
        line(process)
        os.kill(served.pid, signal.SIGKILL)
        status, _, err = end(process)
        expect(status == 125 and b'the enclave ended' in err, f'status {status}, {err!r}')


@group.case('start says why it cannot; the reason is in its log too')
def _(instance):
    holder = subprocess.Popen([OCCLUM, 'run', *SH, 'echo here; cat'], cwd=instance.folder, env=clean_environment(), start_new_session=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    line(holder)
    result = occlum('start', cwd=instance.folder)
    expect(result.status not in (0, 1) and 'another enclave has it open' in result.errors, 'no reason', result)
    with open(os.path.join(instance.folder, 'run/exec/occlum.log'), encoding='utf-8') as log:
        expect('another enclave has it open' in log.read(), 'the log is empty')
    holder.stdin.close()
    holder.stdin = None
    end(holder)
    broken = os.path.join(instance.folder, 'build/image.erofs')
    shutil.move(broken, broken + '.away')
    result = occlum('start', cwd=instance.folder)
    shutil.move(broken + '.away', broken)
    expect(result.status == 125 and 'image' in result.errors, 'no reason', result)
    new = Instance('start-new')
    result = occlum('start', cwd=new.folder)
    expect(result.status == 1 and 'occlum build' in result.errors, 'no reason', result)
    expect_status(occlum('start', BOX, cwd=instance.folder), 2)


@group.case('in the foreground: a newline when it serves, SIGTERM stops it in order')
def _(instance):
    ready, theirs = os.pipe()
    server = subprocess.Popen([OCCLUM, 'start', '--foreground', '--ready-fd', str(theirs)], cwd=instance.folder, env=clean_environment(),
                              start_new_session=True, pass_fds=(theirs,), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.close(theirs)
    expect(os.read(ready, 10) == b'\n', 'it does not say that it serves')
    if PLATFORM == 'sim': # the emulator keeps what it was given
        expect(os.read(ready, 10) == b'', 'the descriptor is still open')
    os.close(ready)
    served = Served(instance)
    process = served.begin(*SH, 'trap "echo bye; exit 3" TERM; echo here; while :; do sleep 0.05; done')
    line(process)
    os.kill(served.enclave()['pid'], signal.SIGTERM)
    expect(end(process)[:2] == (3, b'bye\n'), 'its handler did not run')
    status, out, err = end(server)
    expect((status, out) == (0, b''), f'{status} {out!r} {err!r}')


@group.case('nobody but its owner may use it, whatever the folder allows')
def _(instance):
    with Served(instance) as served:
        path = os.path.join(instance.folder, SOCKET)
        expect(os.stat(path).st_mode & 0o777 == 0o600 and os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700, 'others may reach it')
        if os.geteuid() != 0:
            raise Skip('becoming another user needs root')
        os.chmod(path, 0o777)
        os.chmod(os.path.dirname(path), 0o777)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            os.chdir(os.path.dirname(path))
            try:
                os.seteuid(65534)
                client.connect('occlum.sock')
                answer = client.recv(4096)
                rest = client.recv(4096)
            finally:
                os.seteuid(0)
                os.chdir('/')
        expect(b'only the user who started' in answer and rest == b'', f'answer {answer!r} {rest!r}')
        for garbage in (b'', b'x', b'\0' * 4096, b'\xff' * 320):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
                client.connect(path)
                client.send(garbage)
                while client.recv(4096):
                    pass
        expect_output(served.exec(BOX, 'echo', 'well'), 'well\n')


if __name__ == '__main__':
    group.main(setup)
