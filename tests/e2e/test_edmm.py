#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What EDMM costs and gives back, counted by the emulator: the numbers do not depend on the machine."""
import json
import os

os.environ['OCCLUM_E2E_PLATFORM'] = 'emulated-edmm'
from harness import Group, Instance, expect, expect_output, expect_status, occlum, scratch  # noqa: E402

group = Group()
PAGES_PER_MIB = 256
# Init sizes of the guide's example; the maxima of each case its own.
SMALL = {'resource_limits.kernel_space_heap_size': '4MB', 'resource_limits.kernel_space_heap_max_size': '40MB',
         'resource_limits.user_space_size': '1MB', 'resource_limits.user_space_max_size': '600MB',
         'resource_limits.init_num_of_threads': 2, 'resource_limits.max_num_of_threads': 64, 'feature.enforce_max_limits': False}


class Machine:
    """An instance with the test program, built again when its configuration changes."""

    def __init__(self):
        self.instance = Instance('machine', **SMALL)
        self.instance.compile('edmm', 'hello')
        self.built = None

    def build(self, edmm='Y', **changes):
        wanted = (edmm, tuple(sorted(changes.items())))
        if self.built != wanted:
            self.instance.configure(**SMALL)
            self.instance.configure(**changes)
            result = occlum('build', '--enable-edmm', edmm, cwd=self.instance.folder, timeout=300)
            expect(result.status == 0, 'occlum build failed', result)
            self.built = wanted

    def run(self, *arguments, options='', status=0, epc='1024M'):
        """Runs the program; returns its result and what the emulator counted."""
        path = os.path.join(scratch(), 'stats.json')
        if os.path.exists(path):
            os.unlink(path)
        result = self.instance.run(*arguments, env={'OCCLUM_EMULATE_OPTIONS': f'--epc {epc} --stats={path} {options}'}, timeout=200)
        expect_status(result, status)
        with open(path, encoding='utf-8') as file:
            return result, Counts(json.load(file))

    def edmm(self, *arguments, **options):
        return self.run('/bin/edmm', *map(str, arguments), **options)


class Counts:
    def __init__(self, stats):
        self.leaf = stats['leaves']
        self.faults = stats['aex']['pf']
        self.writable_code = stats['writable_code']
        # Linux 6.1 takes a page of version array for each 512 pages ever added and keeps it until the enclave ends: not ours.
        self.peak = stats['epc']['peak_pages'] - stats['leaves']['EPA']

    @property
    def committed(self):
        """Pages at the end: TRIM and TCS are both EMODT, and what is trimmed is removed; TCSs are few."""
        return self.leaf['EADD'] + self.leaf['EAUG'] - self.leaf['EMODT']


def at_most(value, limit, what):
    expect(value <= limit, f'{what}: {value}, at most {limit} wanted')
    print(f'# {what}: {value} (at most {limit})')


@group.case('EADD of hello: the same for maxima of 600MB, 16GB and 64GB')
def _(machine):
    counts = {}
    for maximum in ('600MB', '16GB', '64GB'):
        machine.build(**{'resource_limits.user_space_max_size': maximum, 'feature.enforce_max_limits': True})
        counts[maximum] = machine.run('/bin/hello')[1].leaf['EADD']
    expect(len(set(counts.values())) == 1, f'they differ: {counts}')
    print(f'# EADD: {counts}')
    machine.eadd = counts['16GB']


@group.case('at least 10 times fewer pages than the default template without EDMM')
def _(machine):
    template = Instance('template')
    occlum('new', template.folder + '2')
    plain = Instance.__new__(Instance)
    plain.folder, plain.image = template.folder + '2', os.path.join(template.folder + '2', 'image')
    plain.compile('hello')
    result = occlum('build', '--enable-edmm', 'N', cwd=plain.folder)
    expect(result.status == 0, 'occlum build failed', result)
    stats = os.path.join(scratch(), 'plain.json')
    result = plain.run('/bin/hello', env={'OCCLUM_EMULATE_OPTIONS': f'--epc 1024M --stats={stats}'})
    expect_status(result, 0)
    with open(stats, encoding='utf-8') as file:
        pages = json.load(file)['leaves']['EADD']
    print(f'# EADD of the template without EDMM: {pages}')
    at_most(machine.eadd * 10, pages, 'ten times the EADD with EDMM')


def baseline(machine):
    machine.build()
    _, none = machine.edmm('reserve', 256)
    return none


@group.case('256 MiB in order: at most 2 page-fault exits a MiB, and N + 512 pages')
def _(machine):
    none = baseline(machine)
    _, seen = machine.edmm('touch', 256)
    at_most(seen.faults - none.faults, 2 * 256, 'page-fault exits')
    at_most(seen.committed - none.committed, 256 * PAGES_PER_MIB + 512, 'pages committed')


@group.case('at random: at most 1.1 exits a page touched')
def _(machine):
    none = baseline(machine)
    result, seen = machine.edmm('random', 256, 3000)
    touched = int(result.text)
    at_most(seen.faults - none.faults, int(1.1 * touched), f'page-fault exits for {touched} pages')
    at_most(seen.committed - none.committed, touched + 512, 'pages committed')


@group.case('memory that is only reserved costs nothing')
def _(machine):
    machine.build()
    _, small = machine.edmm('reserve', 1)
    _, large = machine.edmm('reserve', 512)
    at_most(abs(large.faults - small.faults), 8, 'difference of the page-fault exits of 1 and 512 MiB reserved')
    at_most(abs(large.committed - small.committed), 64, 'difference of the pages')


for mode, name in (('unmap', 'munmap'), ('drop', 'MADV_DONTNEED')):
    def case(machine, mode=mode):
        none = baseline(machine)
        _, seen = machine.edmm(mode, 256)
        expect(seen.peak - none.peak >= 250 * PAGES_PER_MIB, 'the memory was never committed')
        at_most(seen.committed - none.committed, 8 * PAGES_PER_MIB, 'pages that stayed')
    group.add(f'{name} gives 256 MiB back', case)


@group.case('100 rounds of taking and giving back: the peak is that of ten')
def _(machine):
    machine.build()
    _, few = machine.edmm('rounds', 8, 10)
    _, many = machine.edmm('rounds', 8, 100)
    at_most(many.peak - few.peak, 64, 'pages above the peak of ten rounds')


@group.case('mprotect that only extends: no exit')
def _(machine):
    machine.build()
    _, few = machine.edmm('extend', 1000, 0)
    _, many = machine.edmm('extend', 1000, 1000)
    # Where things lie is random, and with it the runs that the program's own loading takes.
    at_most(abs(many.leaf['EEXIT'] - few.leaf['EEXIT']), 30, 'difference of EEXIT of none and 1000 extensions')
    expect(many.leaf['EMODPE'] - few.leaf['EMODPE'] >= 1000, 'no page was extended')


@group.case('the EPCM refuses a write to code, and to a page made read-only')
def _(machine):
    machine.build()
    for mode in ('text', 'readonly'):
        result, _ = machine.edmm(mode)
        expect_output(result, 'signal 11, by the EPCM: yes\n')


@group.case("a thread's 8 MiB stack costs only the pages it touches")
def _(machine):
    machine.build()
    _, few = machine.edmm('threads', 4, 8192)
    _, many = machine.edmm('threads', 36, 8192)
    at_most((many.committed - few.committed) / 32, 64, 'pages a thread')


@group.case('300 threads at once from 2 slots')
def _(machine):
    machine.build(**{'resource_limits.max_num_of_threads': 400})
    result, _ = machine.edmm('threads', 300)
    expect_output(result, 'all ran\n')


# pthread_join returns when the ended thread's id is cleared, and on a loaded machine it has not left its TCS then.
@group.case('1,000 threads one after another: hardly a TCS more than the peak')
def _(machine):
    machine.build()
    _, none = machine.edmm('sequence', 1)
    result, seen = machine.edmm('sequence', 1000)
    expect_output(result, 'all ran\n')
    at_most(seen.leaf['EMODT'] - none.leaf['EMODT'], 8, 'TCSs made')


for edmm in ('Y', 'N'):
    def case(machine, edmm=edmm):
        machine.build(edmm, **{'resource_limits.max_num_of_threads': 12, 'feature.enforce_max_limits': True,
                               'resource_limits.user_space_max_size': '128MB'})
        result, _ = machine.edmm('threads', 12, 64, status=1)
        expect_output(result, 'thread 11: Resource temporarily unavailable\n', status=1)
        result, _ = machine.edmm('threads', 11, 64)
        expect_output(result, 'all ran\n')
    group.add(f'max_num_of_threads holds, EDMM {edmm}: EAGAIN, and the process lives', case)


@group.case('the kernel heap grows beyond its Init size: 10,000 open files')
def _(machine):
    machine.build()
    _, none = machine.edmm('files', 0)
    result, seen = machine.edmm('files', 10000)
    expect_output(result, 'all open\n')
    expect(seen.committed - none.committed >= 3 * PAGES_PER_MIB, f'{seen.committed - none.committed} pages more: it fitted into the Init size')


@group.case('the kernel heap gives back what it no longer needs: 20,000 files opened, closed and removed')
def _(machine):
    machine.build()
    _, none = machine.edmm('files', 0)
    result, seen = machine.edmm('removed', 20000)
    expect_output(result, 'all open\n')
    expect(seen.peak - none.peak >= 8 * PAGES_PER_MIB, f'the heap grew by {seen.peak - none.peak} pages only')
    at_most(seen.committed - none.committed, 2 * PAGES_PER_MIB, 'pages that stayed')


@group.case('the kernel heap ends at its maximum: ENOMEM or ENFILE to the caller')
def _(machine):
    machine.build(**{'resource_limits.kernel_space_heap_max_size': '6MB', 'feature.enforce_max_limits': True})
    result, _ = machine.edmm('files', 200000)
    expect_output(result, 'some ENOMEM or ENFILE\n')
    expect_output(machine.run('/bin/hello')[0], 'Hello, world!\n')


@group.case('user_space_max_size with enforce_max_limits: ENOMEM exactly there')
def _(machine):
    machine.build(**{'resource_limits.user_space_max_size': '64MB', 'feature.enforce_max_limits': True})
    given = {}
    for step in (4, 64, 1024):
        result, _ = machine.edmm('limit', step)
        amount, error = result.text.split(maxsplit=1)
        expect(error == 'Cannot allocate memory\n', 'not ENOMEM', result)
        given[step] = int(amount)
    # The program itself has some of it: code, stack, libraries. What is left is given to the last step.
    expect(given[4] <= 64 << 20, f'more than the maximum: {given}')
    expect(64 * 1024 * 1024 - given[4] < 16 << 20, f'far less than the maximum: {given}')
    expect(all(abs(given[4] - given[step]) <= (step << 10) + (256 << 10) for step in given), f'not exact: {given}')
    print(f'# given by steps of KiB: {given}')


if __name__ == '__main__':
    group.main(Machine)
