#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Memory of programs beside Linux: what system calls may touch, mappings of files, memory that is shared."""
import os

from harness import Group, Instance, expect, expect_output

group = Group()


def setup():
    instance = Instance('memory')
    instance.compile('map_deadlock', 'foreign', 'shared_memory', 'map_end', 'shm_kinds', 'ring', 'page_taken')
    instance.add_text('/dev/shm/.here', '') # for the native twin
    instance.build()
    return instance


@group.case('a system call does not reach into another process')
def _(instance):
    instance.same('/bin/foreign')


@group.case('memory that processes share: a file, a memfd, anonymous; futexes in it; the file sees it')
def _(instance):
    instance.same('/bin/shared_memory', '/tmp')


@group.case('the same through a file of the host')
def _(instance):
    native = instance.native('/bin/shared_memory', '/tmp')
    expect_output(instance.run('/bin/shared_memory', '/host'), native.text)
    with open(os.path.join(instance.folder, 'shared'), 'rb') as file:
        expect(file.read(2)[1:] == b'\0' and file.seek(5 * 4096) and file.read(1) == b'x', 'the host does not see what was written')


@group.case('POSIX and System V segments, seals, errors of mmap, ETXTBSY, futexes at two addresses')
def _(instance):
    instance.same('/bin/shm_kinds')


@group.case('a page that is taken away from one instruction thousands of times: by msync, by another mapping')
def _(instance):
    native = instance.native('/bin/page_taken', '/tmp')
    for folder in ('/tmp', '/host'):
        expect_output(instance.run('/bin/page_taken', folder), native.text)


@group.case('a ring that is mapped twice, written across its seam; two views of code')
def _(instance):
    instance.same('/bin/ring')


@group.case('mappings and the end of the file')
def _(instance):
    instance.same('/bin/map_end', '/tmp')


@group.case('the same of a file of the host')
def _(instance):
    expect_output(instance.run('/bin/map_end', '/host'), instance.native('/bin/map_end', '/tmp').text)


for path in ('/tmp/deadlock', '/host/deadlock'):
    for mode in ((), ('append',)):
        @group.case(f'write{"".join(" O_" + m.upper() for m in mode)} from memory that faults, against msync and munmap: {path}')
        def _(instance, path=path, mode=mode):
            expect_output(instance.run('/bin/map_deadlock', path, *mode), '400 writes, size right\n')


if __name__ == '__main__':
    group.main(setup)
