#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Debian's coreutils: each prints inside what it prints natively on the same tree."""
import re
import time

from harness import Group, Instance, expect, expect_contains, expect_output, expect_status

group = Group()

TOOLS = '''ls cp mv rm ln stat sort sha256sum md5sum dd du df env date head tail wc tee touch chmod mkfifo realpath timeout
nproc cat echo printf true false mkdir rmdir basename dirname cut tr uniq seq expr test comm join paste nl od tac rev
readlink truncate split fold fmt expand unexpand factor base64 cksum sum shuf uname whoami id pwd sleep sync mktemp
yes tsort numfmt install link unlink chown chgrp groups hostid logname arch printenv nohup nice csplit ptx pr'''.split()
TEXT = 'pear 3\napple 10\nfig 2\napple 9\n\nquince 7\n'


def setup():
    instance = Instance('coreutils')
    import os
    import shutil
    instance.tools = [name for name in TOOLS if shutil.which(name, path='/usr/bin:/bin')]
    instance.pack(*[f'{shutil.which(name, path="/usr/bin:/bin")}=/usr/bin/{name}' for name in instance.tools])
    instance.compile('steps')
    instance.add_text('/etc/fruit', TEXT)
    instance.add_text('/etc/other', 'apple\nfig\nkiwi\n')
    instance.add_text('/etc/sorted', ''.join(sorted(TEXT.splitlines(True))))
    instance.add_text('/opt/tree/a/one', '1' * 5000)
    instance.add_text('/opt/tree/a/b/two', 'two\n')
    instance.add_text('/opt/tree/c/script', '#!/usr/bin/env -S printf %s,%s\n', 0o755)
    os.symlink('../a/one', os.path.join(instance.image, 'opt/tree/c/link'))
    os.symlink('nowhere', os.path.join(instance.image, 'opt/tree/c/dangling'))
    instance.build()
    return instance


def same(name, *arguments, **options):
    group.add(name, lambda instance: instance.same(*arguments, **options))


def steps(name, *script, **options):
    """Several commands in one run: what one writes, the next sees."""
    words = [word for line in script for word in [*line.split(), ';']][:-1]
    group.add(name, lambda instance: instance.same('/bin/steps', *words, **options))


def no_links_count(text):
    """Link counts and sizes of folders, and block totals, are the file system's own affair."""
    text = re.sub(r'(?m)^(d[rwxtsS-]+\.?)\s+\d+(\s+\S+\s+\S+\s+)\d+', r'\1 N\2N', text)
    text = re.sub(r'(?m)^total \d+', 'total N', text)
    # A date of this run, in whichever column width.
    return re.sub(r'[ \t]+', ' ', re.sub(r'[A-Z][a-z]{2}\s+\d+ \d\d:\d\d', 'NOW', text))


same('ls', '/usr/bin/ls', '/opt/tree')
same('ls -lR', '/usr/bin/ls', '-lR', '--time-style=+%s', '/opt/tree', change=lambda t: re.sub(r'\b1\d{9}\b', 'T', no_links_count(t)))
same('ls -la of a missing file', '/usr/bin/ls', '-la', '/missing', stderr=True)
same('cat', '/usr/bin/cat', '/etc/fruit', '/opt/tree/c/link')
same('cat of stdin', '/usr/bin/cat', stdin='from outside\n' * 5000)
same('head', '/usr/bin/head', '-n', '2', '/etc/fruit')
same('head -c', '/usr/bin/head', '-c', '7', '/etc/fruit')
same('tail', '/usr/bin/tail', '-n', '2', '/etc/fruit')
same('tail +', '/usr/bin/tail', '-n', '+3', '/etc/fruit')
same('wc', '/usr/bin/wc', '/etc/fruit', '/opt/tree/a/one')
same('sort', '/usr/bin/sort', '/etc/fruit')
same('sort -n -k', '/usr/bin/sort', '-k2,2nr', '/etc/fruit')
same('sort of 200,000 lines, parallel', '/usr/bin/sort', '--parallel=4', '-S', '2M', '-T', '/tmp', '-n',
     stdin=''.join(f'{(i * 7919) % 200003}\n' for i in range(200000)))
same('uniq -c', '/usr/bin/uniq', '-c', stdin='a\na\nb\n')
same('cut', '/usr/bin/cut', '-d', ' ', '-f', '2', '/etc/fruit')
same('tr', '/usr/bin/tr', 'a-z', 'A-Z', stdin='shout\n')
same('seq', '/usr/bin/seq', '1', '3', '30')
same('expr', '/usr/bin/expr', '6', '*', '7')
same('expr, status 1', '/usr/bin/expr', '0')
same('test -f', '/usr/bin/test', '-f', '/etc/fruit')
same('test -f, status 1', '/usr/bin/test', '-f', '/etc')
same('true', '/usr/bin/true')
same('false', '/usr/bin/false')
same('echo', '/usr/bin/echo', '-e', 'tab\\tend')
same('printf', '/usr/bin/printf', '%05d|%x|%s\\n', '42', '255', 'text')
same('basename', '/usr/bin/basename', '/opt/tree/a/one')
same('dirname', '/usr/bin/dirname', '/opt/tree/a/one')
same('realpath', '/usr/bin/realpath', '/opt/tree/c/link', '/opt/tree/../tree/a')
same('readlink', '/usr/bin/readlink', '/opt/tree/c/link')
same('stat of a file', '/usr/bin/stat', '-c', '%n %s %F %a %u %g %Y', '/opt/tree/a/one')
same('stat of a link', '/usr/bin/stat', '-c', '%N %F', '/opt/tree/c/dangling')
same('sha256sum', '/usr/bin/sha256sum', '/etc/fruit', '/opt/tree/a/one')
same('md5sum', '/usr/bin/md5sum', '/etc/fruit')
same('sha256sum of 8 MB of stdin', '/usr/bin/sha256sum', stdin=bytes(range(256)) * 32768)
same('cksum', '/usr/bin/cksum', '/etc/fruit')
same('base64', '/usr/bin/base64', '/etc/fruit')
same('od', '/usr/bin/od', '-c', '/etc/other')
same('tac', '/usr/bin/tac', '/etc/fruit')
same('nl', '/usr/bin/nl', '/etc/fruit')
same('paste', '/usr/bin/paste', '/etc/fruit', '/etc/other')
same('join', '/usr/bin/join', '/etc/sorted', '/etc/other')
same('comm', '/usr/bin/comm', '/etc/sorted', '/etc/other')
same('fold', '/usr/bin/fold', '-w', '5', '/etc/fruit')
same('expand', '/usr/bin/expand', stdin='a\tb\n')
same('factor', '/usr/bin/factor', '600851475143')
same('numfmt', '/usr/bin/numfmt', '--to=iec', '123456789')
same('tsort', '/usr/bin/tsort', stdin='a b\nb c\n')
same('env', '/usr/bin/env', '-i', 'A=1', '/usr/bin/printenv', 'A')
same('printenv', '/usr/bin/printenv', 'HOME')
same('date -d', '/usr/bin/date', '-u', '-d', '@1600000000', '+%F %T')
same('whoami', '/usr/bin/whoami')
same('id', '/usr/bin/id', '-un')
same('pwd', '/usr/bin/pwd')
same('nice', '/usr/bin/nice', '-n', '0', '/usr/bin/echo', 'nice')
same('a bad option', '/usr/bin/ls', '--no-such-option')

steps('mkdir, touch, ls', 'mkdir -p /tmp/d/e', 'touch /tmp/d/f', 'ls -R /tmp/d')
steps('cp', 'cp /etc/fruit /tmp/copy', 'cat /tmp/copy')
steps('cp -a of a tree', 'cp -a /opt/tree /tmp/tree', 'ls -lR --time-style=+%s /tmp/tree', 'sha256sum /tmp/tree/a/one /tmp/tree/a/b/two',
      change=no_links_count)
steps('mv', 'cp /etc/fruit /tmp/x', 'mv /tmp/x /tmp/y', 'ls /tmp', 'cat /tmp/y')
steps('mv of a file of the image', 'mv /etc/fruit /tmp/fruit', 'cat /tmp/fruit', 'ls /etc/fruit', alters=True)
steps('mv of a folder', 'mkdir -p /tmp/a/b', 'touch /tmp/a/b/c', 'mv /tmp/a /tmp/z', 'ls -R /tmp')
steps('rm', 'touch /tmp/x', 'rm /tmp/x', 'ls -A /tmp')
steps('rm -r', 'cp -a /opt/tree /tmp/tree', 'rm -r /tmp/tree', 'ls -A /tmp')
steps('rm -r of a tree of the image', 'cp -a /opt/tree /tmp/kept', 'rm -r /tmp/kept/a', 'ls /tmp/kept')
steps('ln', 'cp /etc/fruit /tmp/x', 'ln /tmp/x /tmp/y', 'stat -c %h /tmp/x', 'rm /tmp/x', 'cat /tmp/y')
steps('ln -s', 'ln -s /etc/fruit /tmp/link', 'cat /tmp/link', 'readlink /tmp/link')
steps('chmod', 'touch /tmp/x', 'chmod 640 /tmp/x', 'stat -c %a /tmp/x', 'chmod u+x,g-r /tmp/x', 'stat -c %a /tmp/x')
steps('chown', 'touch /tmp/x', 'chown 5:6 /tmp/x', 'stat -c %u:%g /tmp/x')
steps('touch -d', 'touch -d @1500000000 /tmp/x', 'stat -c %Y /tmp/x')
steps('truncate', 'cp /etc/fruit /tmp/x', 'truncate -s 5 /tmp/x', 'cat /tmp/x', 'truncate -s 20 /tmp/x', 'od -c /tmp/x')
steps('dd', 'dd if=/opt/tree/a/one of=/tmp/x bs=100 count=7 skip=2 status=none', 'wc -c /tmp/x')
steps('dd with seek leaves a hole', 'dd if=/etc/fruit of=/tmp/x bs=1 seek=100000 status=none', 'stat -c %s /tmp/x', 'sha256sum /tmp/x')
steps('tee', 'cat /etc/fruit | tee /tmp/a /tmp/b | wc -l', 'cat /tmp/a /tmp/b')
steps('a pipeline of four', 'seq 1 20000 | sort -rn | head -n 3 | tac')
steps('yes into head ends by SIGPIPE', 'yes | head -n 3')
steps('mkfifo', 'mkfifo /tmp/p', 'stat -c %F /tmp/p')
steps('split', 'seq 1 100 > /tmp/all', 'split -l 30 /tmp/all /tmp/part.', 'ls /tmp', 'wc -l /tmp/part.ad')
steps('rmdir', 'mkdir /tmp/d', 'rmdir /tmp/d', 'mkdir /tmp/d', 'touch /tmp/d/f', 'rmdir /tmp/d', 'ls /tmp/d')
steps('install', 'install -m 750 -D /etc/fruit /tmp/deep/er/f', 'stat -c %a:%s /tmp/deep/er/f')
steps('mktemp', 'mktemp -d /tmp/dir.XXXXXX > /tmp/name', 'wc -c /tmp/name')
steps('shuf keeps the lines', 'shuf /etc/fruit | sort | sha256sum')
steps('link and unlink', 'touch /tmp/a', 'link /tmp/a /tmp/b', 'unlink /tmp/a', 'ls /tmp')
steps('du', 'mkdir /tmp/d', 'dd if=/dev/zero of=/tmp/d/f bs=4096 count=25 status=none', 'du --apparent-size -B4096 /tmp/d/f')
steps('a script with an interpreter and its argument', '/opt/tree/c/script')
steps('opening, appending, reading in turn', 'cp /etc/other /tmp/x', 'tee -a /tmp/x < /etc/fruit', 'sort -u /tmp/x')


@group.case('df')
def _(instance):
    result = instance.run('/usr/bin/df', '/tmp')
    expect_status(result, 0)
    expect_contains(result, 'Filesystem')


@group.case('date tells the time of the host')
def _(instance):
    before = time.time()
    result = instance.run('/usr/bin/date', '+%s')
    expect_status(result, 0)
    expect(before - 1 <= int(result.text) <= time.time(), 'the clock is wrong', result)


@group.case('nproc')
def _(instance):
    result = instance.run('/usr/bin/nproc')
    expect_status(result, 0)
    expect(int(result.text) >= 1, 'no processors', result)


@group.case('uname')
def _(instance):
    result = instance.run('/usr/bin/uname', '-srm')
    expect_status(result, 0)
    expect(re.fullmatch(r'Linux [5-9]\.\d+\S* x86_64\n', result.text), 'no current Linux', result)


@group.case('sleep sleeps')
def _(instance):
    before = time.monotonic()
    expect_status(instance.run('/usr/bin/sleep', '0.5'), 0)
    expect(time.monotonic() - before >= 0.5, 'too short')


@group.case('timeout needs fork, which is refused with a message')
def _(instance):
    result = instance.run('/usr/bin/timeout', '5', '/usr/bin/echo', 'in time')
    expect(result.status == 125 and 'fork' in result.errors or result.status == 0 and result.text == 'in time\n',
           'neither refused cleanly nor done', result)


@group.case('--version of every one')
def _(instance):
    without = {'true', 'false', 'test', 'echo', 'printf', 'rev', 'pwd', '['}
    names = [name for name in instance.tools if name not in without]
    expect(len(names) >= 40, f'only {len(names)} coreutils on this machine')
    script = [word for name in names for word in (name, '--version', ';')][:-1]
    instance.same('/bin/steps', *script)


@group.case('writes of a run are gone in the next, the image is as built')
def _(instance):
    expect_status(instance.run('/bin/steps', 'rm', '/etc/fruit', ';', 'touch', '/tmp/left'), 0)
    expect_output(instance.run('/usr/bin/cat', '/etc/fruit'), TEXT)
    expect_output(instance.run('/usr/bin/ls', '-A', '/tmp'), '')


if __name__ == '__main__':
    group.main(setup)
