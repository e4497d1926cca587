#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Borders of a file system: the volume and the root in memory say what Linux' file system says."""
import os

from harness import PLATFORM, Group, Instance, Skip, expect, expect_output, expect_status, must, occlum, scratch

group = Group()
FILES = os.environ.get('OCCLUM_FS_FILES', '100000' if PLATFORM == 'sim' else '1000')


def setup():
    instances = {}
    # An ext2 has an inode for 16 KiB, in memory a file costs some 400 bytes of three quarters of the kernel's heap.
    for name, options, heap in (('volume', {'disk_size': '4GB'}, '32MB'), ('small', {'disk_size': '16MB'}, '32MB'), ('memory', {'temporary': True}, '64MB'),
                                ('crowded', {'temporary': True}, '8MB')):
        instance = Instance(f'generic-{name}', persistent=True)
        config = instance.read_config()
        config['mount'][0]['options']['layers'][1]['options'] = options
        instance.configure(mount=config['mount'], **{'resource_limits.kernel_space_heap_size': heap, 'metadata.disable_log': False})
        instance.compile('fs_generic')
        instance.pack('/bin/busybox')
        instance.build()
        instances[name] = instance
    return instances


def sound(instance):
    """What lies on the disk afterwards is an ext2 without faults."""
    if PLATFORM != 'sim':
        return
    image = os.path.join(scratch(), 'exported')
    expect_status(occlum('volume', 'export', image, cwd=instance.folder), 0)
    must(['e2fsck', '-fn', image])
    os.unlink(image)


@group.case('the volume answers as Linux does')
def _(instances):
    instances['volume'].same('/bin/fs_generic', '/work', FILES, alters=True)
    sound(instances['volume'])


@group.case('the root in memory answers as Linux does')
def _(instances):
    instances['memory'].same('/bin/fs_generic', '/work', FILES, alters=True)


@group.case('a full disk is told, and what is freed can be used again')
def _(instances):
    expect_output(instances['small'].run('/bin/fs_generic', '/work', 'full'),
                  '-- full\nthen ENOSPC\nmake("small", "x"): ENOSPC\nfree 0\nftruncate(fd, 0): ok\nlseek(fd, 0, SEEK_SET): ok\nagain ENOSPC, same room 1\n'
                  'fsync(fd): ok\nunlink("big"): ok\nmake("small", "text"): ok\nsmall: mode 100644, links 1, size 4\n')
    sound(instances['small'])


@group.case('more names than the kernel heap holds are ENOSPC, and what is there can be listed and removed')
def _(instances):
    if PLATFORM == 'emulated-edmm':
        raise Skip('with EDMM the heap grows to 1 GB')
    result = instances['crowded'].run('/bin/fs_generic', '/work', 'names')
    expect_output(result, '-- names until full\nthen ENOSPC\nrename("a-file-with-a-name-0", "renamed"): ok\nrename("renamed", "a-file-with-a-name-0"): ok\n'
                  'another process: 1\nmany 1, all seen 1, all removed 1, all made again 1\n')
    expect(b'kernel_space_heap_max_size' in result.err, 'the field of Occlum.json is not named', result)


if __name__ == '__main__':
    group.main(setup)
