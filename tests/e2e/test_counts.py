#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a start costs on the emulator with EDMM: exits, page faults, accepted pages, host calls by kind, against
tests/e2e/counts.json; as built first, and after `occlum run --learn`. A change that adds an exit fails here and says which, and so does a
signal that costs an exception. `test_counts.py --write` writes what it counts (fewer is kept so as well)."""
import copy
import json
import os
import shutil
import sys

os.environ['OCCLUM_E2E_PLATFORM'] = 'emulated-edmm'
from harness import Failure, Group, Instance, expect, expect_output, expect_status, occlum, scratch  # noqa: E402
from test_python import LEFT_OUT, PYTHON  # noqa: E402

KEPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'counts.json')
INIT = {'resource_limits.kernel_space_heap_size': '4MB', 'resource_limits.kernel_space_heap_max_size': '40MB',
        'resource_limits.user_space_size': '2MB', 'resource_limits.user_space_max_size': '300MB',
        'resource_limits.init_num_of_threads': 2, 'resource_limits.max_num_of_threads': 64, 'feature.enforce_max_limits': True}
PROGRAMS = {'hello': ['/bin/hello'], 'python': [PYTHON, '-c', 'pass']}
# How far a count may be over what is kept. The static program's are exact; python draws its own hash seed and temporary names.
TOLERANCE = {'hello': 1.0, 'python': 1.06}

group = Group()


def setup():
    instance = Instance('counts', **INIT)
    instance.compile('hello', flags=('-static',))
    instance.compile('unwind_signal')
    instance.pack(PYTHON, '/usr/lib/python3.11', exclude=LEFT_OUT)
    instance.build('--enable-edmm', 'Y')
    # The same once more, with what the programs touch of files packed with the image.
    instance.learned = copy.copy(instance)
    instance.learned.folder = instance.folder + '-learned'
    shutil.copytree(instance.folder, instance.learned.folder, symlinks=True)
    for program in PROGRAMS.values():
        expect_status(instance.learned.run('--learn', *program), 0)
    instance.learned.build('--enable-edmm', 'Y')
    return instance


def count(instance, program, learned=False):
    if learned:
        instance = instance.learned
    report, stats = (os.path.join(scratch(), name) for name in ('report.json', 'stats.json'))
    result = instance.run(f'--report={report}', *PROGRAMS[program], env={'OCCLUM_EMULATE_OPTIONS': f'--epc 1024M --stats={stats}'})
    expect_status(result, 0)
    with open(report, encoding='utf-8') as file:
        calls = json.load(file)['host_calls']
    with open(stats, encoding='utf-8') as file:
        stats = json.load(file)
    leaves = stats['leaves']
    synced = calls.pop('clock_sync', 0)  # as often as time passes
    return {'EEXIT': leaves['EEXIT'] - synced, 'page_faults': stats['aex']['pf'], 'accepted': leaves['EACCEPT'] + leaves['EACCEPTCOPY'],
            'host_calls': dict(sorted(calls.items()))}


def compare(seen, kept, tolerance):
    calls, before = seen['host_calls'], kept['host_calls']
    changed = [f'{name}: {before.get(name, 0)} -> {calls.get(name, 0)}' for name in sorted({*calls, *before})
               if calls.get(name, 0) != before.get(name, 0)]
    for name in 'EEXIT', 'page_faults', 'accepted':
        print(f'# {name}: {seen[name]} (kept: {kept[name]})')
        expect(seen[name] <= kept[name] * tolerance,
               f'{name}: {seen[name]}, {kept[name]} is kept. Host calls that changed: {", ".join(changed) or "none"}')


def kept_counts():
    with open(KEPT, encoding='utf-8') as file:
        return json.load(file)


for case in PROGRAMS:
    @group.case(f'{case}: no exit, fault or page more than is kept')
    def _(instance, program=case):
        compare(count(instance, program), kept_counts()[program], TOLERANCE[program])

    @group.case(f'{case}, learned: no exit, fault or page more than is kept')
    def _(instance, program=case):
        compare(count(instance, program, True), kept_counts()[program + ', learned'], TOLERANCE[program])


@group.case('1,000 signals more, 0 exceptions more: the return from a handler reaches the gate (glibc)')
def _(instance):
    stats, seen = os.path.join(scratch(), 'stats.json'), []
    for signals in '100', '1100':
        expect_status(instance.run('/bin/unwind_signal', signals, env={'OCCLUM_EMULATE_OPTIONS': f'--epc 1024M --stats={stats}'}), 0)
        with open(stats, encoding='utf-8') as file:
            seen.append(json.load(file)['aex']['exception'])
    print(f'# exceptions: {seen}')
    expect(seen[0] == seen[1], f'exceptions with 100 and 1,100 signals: {seen}')


@group.case('what was learned of a file that is another one by now does no harm; what --learn did not write is refused with its line')
def _(instance):
    learned, path = instance.learned, os.path.join(instance.learned.folder, 'learned')
    with open(os.path.join(learned.folder, 'image/bin/hello'), 'ab') as file:
        file.write(bytes(5000))
    learned.build('--enable-edmm', 'Y')
    expect_output(learned.run('/bin/hello'), 'Hello, world!\n')
    with open(path, 'a', encoding='utf-8') as file:
        lines = sum(1 for _ in open(path, encoding='utf-8'))
        file.write('4096 1+1 /bin/hello\n')
    refused = occlum('build', '--enable-edmm', 'Y', cwd=learned.folder)
    expect(refused.status == 1 and f'learned:{lines + 1}' in refused.errors, 'not refused', refused)


@group.case('the check itself: one host call more is found and named')
def _(instance):
    kept = kept_counts()['hello']
    more = dict(kept, EEXIT=kept['EEXIT'] + 1, host_calls=dict(kept['host_calls'], yield_=1))
    try:
        compare(more, kept, TOLERANCE['hello'])
    except Failure as failure:
        expect('yield_: 0 -> 1' in str(failure), f'not named: {failure}')
    else:
        expect(False, 'not found')


if __name__ == '__main__':
    if '--write' in sys.argv:
        target = setup()
        with open(KEPT, 'w', encoding='utf-8') as output:
            json.dump({name + suffix: count(target, name, bool(suffix)) for name in PROGRAMS for suffix in ('', ', learned')}, output, indent=1)
            output.write('\n')
    else:
        group.main(setup)
