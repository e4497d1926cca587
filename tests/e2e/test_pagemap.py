#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The page-state map of the enclave equals the EPCM of the (emulated) CPU, after 8 threads changed memory at random.
OCCLUM_STORM_OPERATIONS: of all runs together (1000000 for the whole test)."""
import os

os.environ['OCCLUM_E2E_PLATFORM'] = 'emulated-edmm'
from harness import Group, Instance, expect, expect_status, scratch  # noqa: E402

OPERATIONS = int(os.environ.get('OCCLUM_STORM_OPERATIONS', '6000'))
RUNS = 3 if OPERATIONS < 100000 else 20
group = Group()


def setup():
    instance = Instance('pagemap', **{'resource_limits.user_space_size': '1MB', 'resource_limits.init_num_of_threads': 2,
                                    'resource_limits.max_num_of_threads': 16, 'resource_limits.kernel_space_heap_size': '16MB'})
    instance.compile('storm')
    instance.build()
    return instance


def pages_of(lines, start, end):
    """Address of each page in [start, end) to its rights (and whatever stands behind them)."""
    found = {}
    for line in lines:
        span, *rest = line.split()
        first, last = (int(text, 16) for text in span.split('-'))
        for page in range(max(first, start), min(last, end), 4096):
            expect(page not in found, f'page {page:#x} is there twice')
            found[page] = rest
    return found


def compare(instance, seed, spoil=False):
    dump, script = os.path.join(scratch(), 'epcm'), os.path.join(scratch(), 'script')
    with open(script, 'w', encoding='utf-8') as file:
        file.write(f'dump {dump}\n')
    result = instance.run('/bin/storm', str(OPERATIONS // RUNS), str(seed), timeout=1500,
                          env={'OCCLUM_EMULATE_OPTIONS': f'--epc 512M --script {script}'})
    expect_status(result, 0)
    head, *lines = result.text.splitlines()
    start, end = (int(text, 16) for text in head.split()[1].split('-'))
    trusted = pages_of(lines, start, end)
    with open(dump, encoding='utf-8') as file:
        cpu = pages_of(file, start, end)
    if spoil:
        cpu[max(cpu)] = ['reg', 'rwx']
    live = sum(state[1] == 'live' for state in trusted.values())
    expect(live > 100, f'only {live} pages are in use: the storm does nothing')
    only_trusted, only_cpu = sorted(trusted.keys() - cpu.keys()), sorted(cpu.keys() - trusted.keys())
    expect(not only_trusted and not only_cpu, f'pages of the enclave only: {[hex(p) for p in only_trusted[:5]]}, of the CPU only: {[hex(p) for p in only_cpu[:5]]}')
    for page, (rights, _) in trusted.items():
        expect(cpu[page] == ['reg', rights], f'page {page:#x}: the enclave knows {trusted[page]}, the EPCM says {cpu[page]}')
    return len(trusted), live


@group.case('the comparison catches a planted difference')
def _(instance):
    try:
        compare(instance, 99, spoil=True)
    except Exception as error:
        expect('the EPCM says' in str(error), f'caught for another reason: {error}')
        return
    expect(False, 'a spoilt EPCM was found equal')


for seed in range(1, RUNS + 1):
    def case(instance, seed=seed):
        pages, live = compare(instance, seed)
        print(f'# {OPERATIONS // RUNS} operations, {pages} pages, {live} of them in use')
    group.add(f'map and EPCM are equal, seed {seed}', case)


if __name__ == '__main__':
    group.main(setup)
