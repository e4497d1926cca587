#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Programs that mount and unmount: tmpfs as on Linux, folders of the host and volumes as Occlum.json allows."""
import os

from harness import PLATFORM, Group, Instance, Skip, expect, expect_contains, expect_output, scratch

group = Group()


def setup():
    instance = Instance('mount')
    host = os.path.join(scratch(), 'host')
    os.makedirs(os.path.join(host, 'inner'))
    with open(os.path.join(host, 'inner', 'file'), 'w', encoding='utf-8') as file:
        file.write('of the host\n')
    config = instance.read_config()
    config['mount'] = [mount for mount in config['mount'] if mount['target'] == '/']
    config['mount'].append({'target': '/host', 'type': 'hostfs', 'source': host})
    instance.configure(mount=config['mount'])
    instance.host = host
    instance.compile('mounts', 'noexec_xattr', 'steps')
    instance.pack('/bin/busybox')
    instance.build()
    return instance


def shell(instance, script):
    applets = ''.join(f'{name}() {{ /bin/busybox {name} "$@"; }}; ' for name in ('mkdir', 'mount', 'umount', 'cat', 'ls', 'touch'))
    return instance.run('/bin/busybox', 'sh', '-c', applets + script)


@group.case('mount, umount2 and the flags of a mount mean what they mean on Linux')
def _(instance):
    if os.geteuid() != 0:
        raise Skip('mounting natively needs root')
    instance.same('/bin/mounts', alters=True)


@group.case('nothing on a noexec mount becomes executable; extended attributes are touched by whom Linux lets')
def _(instance):
    if os.geteuid() != 0:
        raise Skip('mounting natively needs root')
    instance.same('/bin/noexec_xattr', alters=True)


@group.case('a folder of the host: what Occlum.json names and what is below it, nothing else')
def _(instance):
    host = instance.host
    expect_output(shell(instance, f'mkdir /m && mount -t hostfs {host}/inner /m && cat /m/file && umount /m && ls /m'), 'of the host\n')
    expect_output(shell(instance, f'mkdir /m && mount -t hostfs -o dir={host} none /m && cat /m/inner/file'), 'of the host\n')
    for other in ('/', '/etc', f'{host}/../other', f'{host}x', f'{host}/inner/..', 'run'):
        result = shell(instance, f'mkdir /m && mount -t hostfs {other} /m')
        expect(result.status != 0 and 'ermission denied' in result.errors or 'not permitted' in result.errors, f'{other} is not refused', result)
    expect_contains(shell(instance, f'mkdir /m && mount -o ro -t hostfs {host} /m && touch /m/new || cat /proc/mounts'), f'{host} /m hostfs ro')
    result = shell(instance, f'mkdir /m && mount -t hostfs {host}/none /m')
    expect(result.status != 0 and 'No such file' in result.errors, 'a folder that is not there', result)
    expect_output(shell(instance, 'umount /host && ls /host'), '')
    for kind, option in (('sefs', 'dir=run/mount/x'), ('unionfs', 'lowerdir=/a,upperdir=/b'), ('ext4', 'ro'), ('tmpfs', 'key=00')):
        result = shell(instance, f'mkdir /m && mount -t {kind} -o {option} none /m')
        expect(result.status != 0 and ('No such device' in result.errors or 'Invalid argument' in result.errors), f'{kind} with {option} is not refused', result)


@group.case('a volume that a program makes keeps what was written, for the next run too')
def _(instance):
    if PLATFORM == 'emulated':
        raise Skip('once is enough on the emulator')
    os.makedirs(os.path.join(instance.folder, 'run', 'mount'), exist_ok=True)
    mount = 'mkdir -p /m && mount -t ext2 -o disk_size=16m run/mount/data /m'
    expect_output(shell(instance, f'{mount} && echo kept > /m/file && umount /m && ls /m && {mount} && cat /m/file'), 'kept\n')
    expect_output(shell(instance, f'{mount} && cat /m/file && ls /m'), 'kept\nfile\n')
    # Held, it stays; the same volume cannot be there twice.
    result = shell(instance, f'{mount} && mkdir /n && mount -t ext2 run/mount/data /n')
    expect(result.status != 0 and 'busy' in result.errors, 'mounted twice', result)
    result = shell(instance, f'{mount} && cd /m && umount /m')
    expect(result.status != 0 and 'busy' in result.errors, 'unmounted while it is somebody\'s folder', result)
    expect_output(shell(instance, f'{mount} && cd /m && umount -l /m && cat file && echo more > other && cd / && {mount} && ls /m'), 'kept\nfile\nother\n')
    for source in ('run/mount/__ROOT', 'run/mount/a/b', 'run/mount/..', '/tmp/volume', 'run/mount/'):
        result = shell(instance, f'mkdir /m && mount -t ext2 {source} /m')
        expect(result.status != 0 and ('not permitted' in result.errors or 'denied' in result.errors), f'{source} is not refused', result)
    result = shell(instance, 'mkdir /m && mount -t ext2 -o disk_size=1k run/mount/small /m')
    expect(result.status != 0 and 'Invalid argument' in result.errors, 'a volume that is too small', result)


if __name__ == '__main__':
    group.main(setup)
