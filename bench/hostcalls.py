#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Host calls and wake-ups in simulation, with and without FSGSBASE, beside native. See README.md.

usage: bench/hostcalls.py [--runs N] [--json FILE]      OCCLUM_BUILD chooses the build, OCCLUM_BENCH_SWITCHES=0 an old one without the switch
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tests', 'e2e'))
from harness import OCCLUM, Instance, clean_environment, compile_program  # noqa: E402

WAYS = [('occlum', {'OCCLUM_NO_FSGSBASE': '0'}), ('without FSGSBASE', {'OCCLUM_NO_FSGSBASE': '1'}), ('without SUD', {'OCCLUM_NO_SUD': '1'})]
ROWS = ["write of 1 byte to the host's /dev/null", 'futex ping-pong, a round of two wake-ups', 'the same on one processor']


def figures(command, extra=None, cwd=None, cpus=None):
    def pin():
        if cpus:
            os.sched_setaffinity(0, cpus)
    out = subprocess.run(command, cwd=cwd, env=clean_environment(extra), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         preexec_fn=pin, check=True).stderr
    return [float(word) for word in out.split()]


def measure(command, extra=None, cwd=None):
    one = {min(os.sched_getaffinity(0))}
    return figures(command, extra, cwd) + figures(command, extra, cwd, one)[1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--runs', type=int, default=5, help='how often each is measured; medians are shown')
    parser.add_argument('--json', metavar='FILE', help='write the figures there too')
    arguments = parser.parse_args()
    program = compile_program('hostcalls')
    instance = Instance('bench')
    instance.compile('hostcalls')
    instance.build()
    ways = [('native', None), *(WAYS if os.environ.get('OCCLUM_BENCH_SWITCHES', '1') != '0' else WAYS[:1])]
    seen = {name: [] for name, _ in ways}
    for _ in range(arguments.runs):  # in turn, so that a change of the machine's load falls on all
        for name, extra in ways:
            if extra is None:
                seen[name].append(measure([program]))
            else:
                seen[name].append(measure([OCCLUM, 'run', '/bin/hostcalls'], extra, instance.folder))
    medians = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in seen.items()}
    print(f'{"ns, medians of " + str(arguments.runs):50}' + ''.join(f'{name:>18}' for name in medians))
    for number, row in enumerate(ROWS):
        print(f'{row:50}' + ''.join(f'{values[number]:18.0f}' for values in medians.values()))
    if arguments.json:
        with open(arguments.json, 'w', encoding='utf-8') as file:
            json.dump(dict(zip(['rows', *medians], [ROWS, *medians.values()])), file, indent=1)


main()
