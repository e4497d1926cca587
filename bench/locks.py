#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What locks cost: system calls and wake-ups in simulation beside native, and exits of a wake-up on sgx2emu. See README.md.

usage: bench/locks.py [--runs N]      times
       bench/locks.py --exits          exits on sgx2emu
OCCLUM_BUILD chooses the build
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

EXITS = '--exits' in sys.argv
if EXITS:
    os.environ['OCCLUM_E2E_PLATFORM'] = 'emulated-edmm'
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tests', 'e2e'))
from harness import OCCLUM, Instance, clean_environment, compile_program, scratch  # noqa: E402

ROWS = ['getpid', 'pread of 1 byte', '1 byte into a pipe and out', 'FUTEX_WAKE of 1 that sleeps', 'FUTEX_WAKE of 64 that sleep']
FEW, MANY, WAITERS = 10, 30, 64


def out_of(command, cwd=None, env=None):
    return subprocess.run(command, cwd=cwd, env=clean_environment(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout


def exits(instance, rounds):
    path = os.path.join(scratch(), 'stats.json')
    result = instance.run('/bin/wakers', 'rounds', str(rounds), str(WAITERS), env={'OCCLUM_EMULATE_OPTIONS': f"--epc 1G --stats='{path}'", 'OCCLUM_QUIET': '1'})
    if result.status != 0:
        sys.exit(result.errors)
    with open(path, encoding='utf-8') as file:
        return json.load(file)['leaves']['EENTER']


def instance_of():
    instance = Instance('locks', **{'resource_limits.max_num_of_threads': 80})
    instance.compile('wakers')
    instance.build()
    return instance


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--runs', type=int, default=5, help='how often each is measured; medians are shown')
    parser.add_argument('--exits', action='store_true', help=f'EENTERs of a round: {WAITERS} threads go to sleep, one FUTEX_WAKE wakes all')
    arguments = parser.parse_args()
    instance = instance_of()
    if EXITS:
        few, many = exits(instance, FEW), exits(instance, MANY)
        print(f'{(many - few) / (MANY - FEW):.1f} EENTERs a round of {WAITERS} that park and are woken ({few} in {FEW} rounds, {many} in {MANY})')
        return
    program = compile_program('wakers')
    seen = {'native': [], 'occlum': []}
    for _ in range(arguments.runs):  # in turn, so that a change of the machine's load falls on both
        seen['native'].append([float(word) for word in out_of([program, 'time']).split()])
        seen['occlum'].append([float(word) for word in out_of([OCCLUM, 'run', '/bin/wakers', 'time'], instance.folder).split()])
    medians = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in seen.items()}
    print(f'{"ns, medians of " + str(arguments.runs):40}' + ''.join(f'{name:>12}' for name in medians))
    for number, row in enumerate(ROWS):
        print(f'{row:40}' + ''.join(f'{values[number]:12.1f}' for values in medians.values()))


main()
