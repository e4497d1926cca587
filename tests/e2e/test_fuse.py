#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""occlum mount: the volume as a folder of this machine."""
import os
import subprocess
import time

from harness import OCCLUM, Group, Instance, Skip, clean_environment, expect, expect_output, expect_status, must, occlum, scratch

group = Group()


def shell(instance, script):
    applets = ''.join(f'{name}() {{ /bin/busybox {name} "$@"; }}; ' for name in ('mkdir', 'ln', 'cat', 'ls', 'stat', 'wc'))
    return instance.run('/bin/busybox', 'sh', '-c', applets + script)


def setup():
    instance = Instance('fuse', persistent=True)
    instance.pack('/bin/busybox')
    instance.build()
    expect_status(shell(instance, 'mkdir -p /data && echo inside > /data/file && ln -s file /data/link'), 0)
    instance.place = os.path.join(scratch(), 'place')
    os.mkdir(instance.place)
    return instance


def mounted(instance, *options):
    """The mount command at work in the foreground; SKIP where the machine has no FUSE."""
    process = subprocess.Popen([OCCLUM, 'mount', '--foreground', *options, instance.place], cwd=instance.folder, env=clean_environment(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    for _ in range(600):
        if os.path.ismount(instance.place):
            return process
        if process.poll() is not None:
            message = process.stderr.read().decode()
            expect('/dev/fuse' in message, f'no clear refusal: {message}')
            raise Skip(f'no FUSE here: {message.strip()[:100]}')
        time.sleep(0.05)
    process.kill()
    raise Skip('FUSE does not answer')


def end(instance, process):
    must(['umount', instance.place])
    expect(process.wait(60) == 0, f'it ended with {process.returncode}: {process.stderr.read()}')


@group.case('files are seen and changed from outside, and from inside afterwards')
def _(instance):
    process = mounted(instance)
    data = os.path.join(instance.place, 'data')
    try:
        with open(os.path.join(data, 'link'), encoding='utf-8') as file:
            expect(file.read() == 'inside\n', 'other contents')
        result = instance.run('/bin/busybox', 'true')
        expect(result.status == 126 and b'has it open' in result.err, 'an enclave opened it too', result)
        must(['sh', '-c', 'cd "$1" && mkdir -p a/b/c && cp -r /usr/include/linux a/b && echo outside > file && mv file a/moved && ln a/moved a/hard && rm link && chmod 640 a/hard'
              ' && seq 100000 > a/numbers && truncate -s 5000 a/numbers && touch -d @1000000000 a/numbers && diff -r /usr/include/linux a/b/linux', 'sh', data])
    finally:
        end(instance, process)
    image = os.path.join(scratch(), 'exported')
    expect_status(occlum('volume', 'check', cwd=instance.folder), 0)
    expect_status(occlum('volume', 'export', image, cwd=instance.folder), 0)
    must(['e2fsck', '-fn', image])
    expect_output(shell(instance, 'cd /data; cat a/hard; ls; stat -c "%a %h" a/moved; stat -c "%s %Y" a/numbers; ls a/b/linux | wc -l'),
                  f'outside\na\n640 2\n5000 1000000000\n{len(os.listdir("/usr/include/linux"))}\n')


@group.case('read-only nothing can be changed')
def _(instance):
    process = mounted(instance, '--read-only')
    try:
        must(['sh', '-c', 'cat "$1"/data/a/moved && ! touch "$1"/new 2> /dev/null', 'sh', instance.place])
    finally:
        end(instance, process)


@group.case('what cannot be is refused with what helps')
def _(instance):
    for arguments, said in (((), b'one FOLDER'), (('/none/x',), b''), (('--path', '/none', instance.place), b'volume /none/volume')):
        result = occlum('mount', *arguments, cwd=instance.folder)
        expect(result.status in (1, 2) and said in result.err, f'{arguments}: no refusal', result)


if __name__ == '__main__':
    group.main(setup)
