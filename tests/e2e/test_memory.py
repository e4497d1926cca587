#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Memory of programs beside Linux: what system calls may touch, mappings of files, memory that is shared."""
from harness import Group, Instance, expect_output

group = Group()


def setup():
    instance = Instance('memory')
    instance.compile('map_deadlock', 'foreign')
    instance.build()
    return instance


@group.case('a system call does not reach into another process')
def _(instance):
    instance.same('/bin/foreign')


for path in ('/tmp/deadlock', '/host/deadlock'):
    for mode in ((), ('append',)):
        @group.case(f'write{"".join(" O_" + m.upper() for m in mode)} from memory that faults, against msync and munmap: {path}')
        def _(instance, path=path, mode=mode):
            expect_output(instance.run('/bin/map_deadlock', path, *mode), '400 writes, size right\n')


if __name__ == '__main__':
    group.main(setup)
