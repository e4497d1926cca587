#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""find, grep, sed, gzip and the applets of busybox that need no fork, beside their native twins."""
import os

from harness import Group, Instance, expect_status

group = Group()


def setup():
    instance = Instance('tools')
    instance.pack(*[f'{path}=/usr/bin/{os.path.basename(path)}' for path in
                    ('/usr/bin/find', '/bin/grep', '/bin/sed', '/bin/gzip', '/bin/busybox', '/usr/bin/sort', '/usr/bin/xargs', '/bin/cat')])
    instance.compile('steps')
    for number in range(40):
        instance.add_text(f'/opt/src/m{number % 4}/file{number}.c', f'// file {number}\nint value = {number * number};\n' * (number + 1))
    instance.add_text('/opt/src/README', 'Read me: it is 4 o clock.\nUnix, Linux, unix.\n')
    instance.add_text('/etc/numbers', ''.join(f'{n} {n * n % 97}\n' for n in range(500)))
    instance.build()
    return instance


def sorted_lines(text):
    return ''.join(sorted(text.splitlines(True)))


def same(name, *arguments, **options):
    group.add(name, lambda instance: instance.same(*arguments, **options))


def steps(name, *script, **options):
    words = [word for line in script for word in [*line.split(), ';']][:-1]
    group.add(name, lambda instance: instance.same('/bin/steps', *words, **options))


def box(name, *arguments, **options):
    same('busybox ' + name, '/usr/bin/busybox', *arguments, **options)


same('find -name', '/usr/bin/find', '/opt/src', '-name', '*1.c', change=sorted_lines)
same('find -type d', '/usr/bin/find', '/opt', '-type', 'd', change=sorted_lines)
same('find -size -newer -o', '/usr/bin/find', '/opt/src', '-type', 'f', '(', '-size', '+1k', '-o', '-name', 'README', ')', '-printf', '%P %s %m\\n', change=sorted_lines)
same('find -maxdepth', '/usr/bin/find', '/opt', '-maxdepth', '1')
steps('find -delete', 'busybox cp -r /opt/src /tmp/src', 'find /tmp/src -name *.c -delete', 'find /tmp/src -type f')
same('grep', '/usr/bin/grep', 'Linux', '/opt/src/README')
same('grep -r', '/usr/bin/grep', '-rn', 'value = 81;', '/opt/src', change=sorted_lines)
same('grep -c -i -E', '/usr/bin/grep', '-ciE', '^unix|linux', '/opt/src/README')
same('grep, no match, status 1', '/usr/bin/grep', 'absent', '/opt/src/README')
same('grep, missing file, status 2', '/usr/bin/grep', 'x', '/missing', stderr=True)
same('grep of stdin', '/usr/bin/grep', '-o', '[0-9]*', stdin='a1b22c333\n')
same('grep -P', '/usr/bin/grep', '-P', '(?<=Read )me', '/opt/src/README')
same('sed s', '/usr/bin/sed', 's/[Uu]nix/UNIX/g', '/opt/src/README')
same('sed -n p', '/usr/bin/sed', '-n', '10,12p', '/etc/numbers')
steps('sed -i', 'cat /etc/numbers > /tmp/n', 'sed -i s/^4/four/ /tmp/n', 'grep four /tmp/n')
steps('gzip and back', 'gzip -n -c /etc/numbers > /tmp/n.gz', 'gzip -t /tmp/n.gz', 'gzip -dc /tmp/n.gz')
steps('gzip in place', 'cat /etc/numbers > /tmp/n', 'gzip -9 /tmp/n', 'find /tmp -type f -name n*', 'gzip -d /tmp/n.gz', 'busybox md5sum /tmp/n')
same('gzip of 4 MB of stdin', '/usr/bin/gzip', '-n', '-c', stdin=bytes(i * i % 251 for i in range(1 << 22)), change=lambda t: t)
steps('a pipeline of the four', 'find /opt/src -name *.c | sort | sed s/.*file// | grep 3')
same('xargs needs fork or runs', '/usr/bin/xargs', '--version')

box('echo', 'echo', 'a', 'b')
box('ls', 'ls', '/opt/src')
box('cat', 'cat', '/opt/src/README')
box('grep', 'grep', '-n', 'Unix', '/opt/src/README')
box('sed', 'sed', '-n', '$p', '/etc/numbers')
box('awk', 'awk', '{ s += $2 } END { print s, NR }', '/etc/numbers')
box('sort', 'sort', '-k2', '-n', '/etc/numbers')
box('find', 'find', '/opt/src', '-name', '*7.c', change=sorted_lines)
box('wc', 'wc', '/etc/numbers')
box('head', 'head', '-n', '3', '/etc/numbers')
box('tail', 'tail', '-n', '3', '/etc/numbers')
box('md5sum', 'md5sum', '/etc/numbers')
box('sha512sum', 'sha512sum', '/etc/numbers')
box('expr', 'expr', '3', '+', '4')
box('seq', 'seq', '5')
box('dc', 'dc', '-e', '2 3 + p')
box('hexdump', 'hexdump', '-C', '/opt/src/README')
box('cmp', 'cmp', '/opt/src/README', '/etc/numbers')
box('diff', 'diff', '/opt/src/README', '/opt/src/README')
box('tr', 'tr', 'a-z', 'b-za', stdin='hal\n')
box('cut', 'cut', '-c', '1-3', '/opt/src/README')
box('stat', 'stat', '-c', '%n %s', '/opt/src/README')
box('test', 'test', '-d', '/opt')
box('an unknown applet', 'nothing-of-this-name')
box('sh with builtins only', 'sh', '-c', 'i=0; while [ $i -lt 5 ]; do i=$((i+1)); echo $i; done; exit 9')
steps('busybox tar', 'busybox tar -cf /tmp/t.tar -C /opt src', 'busybox tar -tf /tmp/t.tar', change=sorted_lines)
steps('busybox cp, mv, rm, mkdir', 'busybox mkdir /tmp/d', 'busybox cp /etc/numbers /tmp/d/n', 'busybox mv /tmp/d/n /tmp/d/m', 'busybox ls /tmp/d',
      'busybox rm -r /tmp/d', 'busybox ls -a /tmp')


@group.case('busybox ps sees only the LibOS')
def _(instance):
    result = instance.run('/usr/bin/busybox', 'ps')
    expect_status(result, 0)
    if len(result.text.splitlines()) > 3:
        from harness import Failure
        raise Failure('more processes than there can be\n' + result.describe())


if __name__ == '__main__':
    group.main(setup)
