#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""mprotect and munmap with EDMM where they are hard: beside threads that write, towards execution, without mappings left."""
from test_edmm import Machine as Edmm
from harness import Group, expect, expect_output

group = Group()
INIT = {'resource_limits.user_space_size': '16MB', 'resource_limits.user_space_max_size': '100MB'}


class Machine(Edmm):
    def __init__(self):
        super().__init__()
        self.instance.compile('protect')

    def protect(self, *arguments, options=''):
        self.build(**INIT)
        return self.run('/bin/protect', *map(str, arguments), options=options)


@group.case('execution is added to initial pages beside a thread that writes: no write is lost')
def _(machine):
    expect_output(machine.protect('lost')[0], '0 of 60 pages lost writes\n')


@group.case('memory is written, then executed, and never both: no page is W and X in the EPCM')
def _(machine):
    result, counts = machine.protect('code', 100)
    expect_output(result, '4200\n')
    expect(counts.writable_code == 0, f'{counts.writable_code} pages were writable and executable at once')


@group.case('the check itself: a page that the program asks to be W and X is counted')
def _(machine):
    _, counts = machine.protect('lost')
    expect(counts.writable_code >= 60, f'{counts.writable_code} pages, 60 were asked for')


for LIMIT in (300, 1000):
    @group.case(f'memory freed page by page where the host has {LIMIT} mappings: no error, and zeros when it comes back')
    def _(machine, limit=LIMIT):
        expect_output(machine.protect('boundaries', 6000, options=f'--max-map-count {limit}')[0], '0 bytes of new memory are not 0\n')


if __name__ == '__main__':
    group.main(Machine)
