#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Borders of a file system: the volume and the root in memory say what Linux' file system says."""
import os

from harness import PLATFORM, Group, Instance, expect_output, expect_status, must, occlum, scratch

group = Group()
FILES = os.environ.get('OCCLUM_FS_FILES', '3000')


def setup():
    instances = {}
    for name, options in (('volume', {'disk_size': '256MB'}), ('small', {'disk_size': '16MB'}), ('memory', {'temporary': True})):
        instance = Instance(f'generic-{name}', persistent=True)
        config = instance.read_config()
        config['mount'][0]['options']['layers'][1]['options'] = options
        instance.configure(mount=config['mount'])
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


if __name__ == '__main__':
    group.main(setup)
