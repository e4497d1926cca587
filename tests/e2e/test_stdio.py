#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a program gets from outside: arguments, environment, standard input and output of every kind; hostfs."""
import fcntl
import os
import pty
import struct
import subprocess
import termios

from harness import OCCLUM, Group, Instance, clean_environment, expect, expect_output, expect_status, kill_group, scratch

group = Group()


def setup():
    instance = Instance('stdio', **{'env.default': ['FIXED=1', 'OFFERED=default', 'EMPTY='], 'env.untrusted': ['OFFERED', 'ABSENT']})
    instance.compile('args', 'tty', 'hello', 'exit_with')
    instance.pack('/bin/cat=/bin/cat', '/usr/bin/head=/bin/head', '/bin/ls=/bin/ls')
    instance.build()
    return instance


def arguments_of(result):
    return [line for line in result.text.splitlines() if line.startswith('arg')]


def environment_of(result):
    return {line[5:-1] for line in result.text.splitlines() if line.startswith('env')}


@group.case('arguments with spaces, empty, unicode, dashes, quotes, line ends')
def _(instance):
    words = ['a b', '', 'ünï→', '--help', '-x', '"', "'", '$HOME', '*', '\\']
    result = instance.run('/bin/args', *words)
    expect_status(result, 0)
    expect(arguments_of(result) == [f'arg {i} [{w}]' for i, w in enumerate(['/bin/args', *words])], 'the arguments differ', result)


@group.case('a thousand arguments, 100 kB')
def _(instance):
    words = [f'{i:0100d}' for i in range(1000)]
    result = instance.run('/bin/args', *words)
    expect_status(result, 0)
    expect(len(arguments_of(result)) == 1001 and arguments_of(result)[-1] == f'arg 1000 [{words[-1]}]', 'the arguments differ')


@group.case('environment: the default ones, nothing else')
def _(instance):
    result = instance.run('/bin/args', env={'SECRET': 'x', 'LD_PRELOAD': ''})
    expect_status(result, 0)
    seen = environment_of(result)
    expect({'FIXED=1', 'OFFERED=default', 'EMPTY='} <= seen, 'a default variable is lacking', result)
    expect(not any(item.startswith(('SECRET', 'LD_', 'SGX_MODE', 'ABSENT', 'HOME')) for item in seen), 'a variable of the host came in', result)


@group.case('environment: what env.untrusted names may come from the host')
def _(instance):
    seen = environment_of(instance.run('/bin/args', env={'OFFERED': 'from the host', 'SECRET': 'x'}))
    expect('OFFERED=from the host' in seen and 'OFFERED=default' not in seen, f'saw {seen}')
    expect(not any(item.startswith('SECRET') for item in seen), f'saw {seen}')


@group.case('stdin as a pipe, 3 MB through')
def _(instance):
    data = bytes(i % 251 for i in range(3 << 20))
    result = instance.run('/bin/cat', stdin=data)
    expect_status(result, 0)
    expect(result.out == data, 'the data differ')


@group.case('stdin and stdout as files')
def _(instance):
    source, target = os.path.join(scratch(), 'in'), os.path.join(scratch(), 'out')
    data = os.urandom(500000)
    with open(source, 'wb') as file:
        file.write(data)
    with open(source, 'rb') as read, open(target, 'wb') as write:
        expect_status(instance.run('/bin/cat', stdin=read, stdout=write), 0)
    with open(target, 'rb') as file:
        expect(file.read() == data, 'the data differ')


@group.case('stdout appended to a file')
def _(instance):
    target = os.path.join(scratch(), 'appended')
    for _ in range(2):
        with open(target, 'ab') as file:
            expect_status(instance.run('/bin/hello', stdout=file), 0)
    with open(target, encoding='utf-8') as file:
        expect(file.read() == 'Hello, world!\n' * 2, 'not both')


@group.case('stdin closed at once')
def _(instance):
    expect_output(instance.run('/bin/cat', stdin=b''), '')


@group.case('a reader that goes away: SIGPIPE, 141')
def _(instance):
    process = subprocess.Popen([OCCLUM, 'run', '/bin/cat', '/dev/zero'], cwd=instance.folder, env=clean_environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        process.stdout.read(100000)
        process.stdout.close()
        status = process.wait(20)
    except subprocess.TimeoutExpired:
        status = 'still running'
    finally:
        kill_group(process)
        process.wait()
    expect(status in (141, -13), f'status {status}')


@group.case('no terminal: ENOTTY on all three')
def _(instance):
    expect_output(instance.run('/bin/tty'), ''.join(f'{fd}: Inappropriate ioctl for device\n' for fd in range(3)))


@group.case('a terminal: size and settings')
def _(instance):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 33, 111, 0, 0))
    process = subprocess.Popen([OCCLUM, 'run', '/bin/tty'], cwd=instance.folder, env=clean_environment(), stdin=slave, stdout=slave,
                               stderr=slave, start_new_session=True)
    os.close(slave)
    seen = b''
    try:
        while True:
            seen += os.read(master, 1000)
    except OSError:
        pass
    finally:
        os.close(master)
        try:
            process.wait(20)
        finally:
            kill_group(process)
    text = seen.decode().replace('\r', '')
    expect(text == ''.join(f'{fd}: tty 33x111 echo 1\n' for fd in range(3)), f'saw {text!r}')


@group.case('a file of the host through the hostfs mount at /host')
def _(instance):
    with open(os.path.join(instance.folder, 'shared.txt'), 'w', encoding='utf-8') as file:
        file.write('from the host\n')
    expect_output(instance.run('/bin/cat', '/host/shared.txt'), 'from the host\n')


@group.case('no way out of the hostfs mount')
def _(instance):
    result = instance.run('/bin/ls', '/host/../../../../..')
    native = instance.run('/bin/ls', '/')
    expect_status(result, 0)
    expect(result.text == native.text, 'it left the mount', result, native)


@group.case('/dev: null, zero, urandom')
def _(instance):
    expect_output(instance.run('/bin/cat', '/dev/null'), '')
    result = instance.run('/bin/head', '-c', '100000', '/dev/zero')
    expect(result.status == 0 and result.out == bytes(100000), 'not zeros')
    first, second = (instance.run('/bin/head', '-c', '64', '/dev/urandom') for _ in range(2))
    expect(len(first.out) == 64 and first.out != second.out, 'not random', first, second)


if __name__ == '__main__':
    group.main(setup)
