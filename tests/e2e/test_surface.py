#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The differential suite: tests/e2e/surface is one program of many small cases that prints what each saw. It runs on Linux and inside, and what it prints
is compared case by case. surface/differences.txt lists the cases that differ for a reason, with the reason."""
import glob
import os
import shutil
import tempfile

from harness import PLATFORM, RUN_TIMEOUT, Group, Instance, clean_environment, expect, must, run_command, scratch

group = Group()
SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'surface')
FILES = sorted(name[:-2] for name in os.listdir(SOURCES) if name.endswith('.c') and name != 'surface.c')


def compile_suite():
    target = os.path.join(scratch(), 'surface.bin')
    must(['gcc', '-O1', '-g0', '-w', '-pthread', *sorted(glob.glob(SOURCES + '/*.c')), '-o', target, '-lrt', '-Wl,--no-as-needed', '-lgcc_s'])
    return target


def differences():
    """{case: reason} of the list; a case that is listed and does not differ is an error too."""
    listed = {}
    with open(os.path.join(SOURCES, 'differences.txt'), encoding='utf-8') as file:
        for line in file:
            if line.strip() and not line.startswith('#'):
                name, reason = line.split(None, 1)
                platform, _, name = name.rpartition(':')
                if platform in ('', PLATFORM):
                    listed[name] = reason.strip()
    return listed


def by_case(text):
    """{case: [line...]} of what the program printed."""
    cases, lines = {}, None
    for line in text.splitlines():
        if not line.startswith(' '):
            lines = cases.setdefault(line, [])
        elif lines is not None:
            lines.append(line.strip())
    return cases


def setup():
    instance = Instance('surface', **{'metadata.debuggable': True, 'resource_limits.max_num_of_threads': 64})
    instance.suite = compile_suite()
    instance.pack(f'{instance.suite}=/bin/surface')
    instance.build()
    return instance


def compare(instance, name):
    folder = tempfile.mkdtemp(dir='/dev/shm' if os.path.isdir('/dev/shm') else scratch())
    try:
        native = run_command([instance.suite, folder, name + '.'], env=clean_environment(), timeout=RUN_TIMEOUT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    inside = instance.run('/bin/surface', '/tmp', name + '.')
    expect(native.status == 0, 'the suite does not end well on Linux', native)
    expect(inside.status == 0, 'the suite does not end well inside', inside)
    want, have, listed = by_case(native.text), by_case(inside.text), differences()
    wrong = []
    for case, lines in want.items():
        same = have.get(case) == lines
        if same and case in listed:
            wrong.append(f'{case} is listed as different and is not')
        if not same and case not in listed:
            pairs = [f'    linux:  {a}\n    inside: {b}' for a, b in zip(lines, have.get(case, [])) if a != b]
            wrong.append('\n'.join([case, *(pairs or [f'    linux:  {lines}\n    inside: {have.get(case)}'])]))
    expect(not wrong, f'{len(wrong)} of {len(want)} cases differ:\n' + '\n'.join(wrong), inside if not wrong else native)


for name in FILES:
    group.add(f'{name}: every case answers as on Linux', lambda instance, name=name: compare(instance, name))

if __name__ == '__main__':
    group.main(setup)
