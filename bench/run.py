#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Measures programs in an instance (simulation) beside the same programs native. See README.md.

usage: bench/run.py [--runs N] [--json FILE]
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tests', 'e2e'))
from harness import OCCLUM, Instance, clean_environment, compile_program, measured, must, scratch  # noqa: E402

PYTHON = '/usr/bin/python3.11'
PASS = [PYTHON, '-c', 'pass']
LEFT_OUT = ['test', 'config-3.11-*', 'idlelib', 'lib2to3', 'dist-packages', 'ensurepip']


def wall(command, cwd=None):
    """Milliseconds from the start of a command to its end."""
    begin = time.perf_counter()
    status = subprocess.run(command, cwd=cwd, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False).returncode
    spent = (time.perf_counter() - begin) * 1000
    if status != 0:
        sys.exit(f'{command} ended with {status}')
    return spent


def first_number(command, cwd=None, column=0):
    out = subprocess.run(command, cwd=cwd, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout
    return float(out.split()[column])


def peak_memory(command, cwd=None):
    """MiB resident at most (VmHWM) of a process that says "ready" and then waits."""
    process = subprocess.Popen(command, cwd=cwd, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        if process.stdout.readline() != b'ready\n':
            sys.exit(f'{command} did not start')
        with open(f'/proc/{process.pid}/status', encoding='ascii') as file:
            return next(int(line.split()[1]) for line in file if line.startswith('VmHWM:')) / 1024
    finally:
        process.kill()
        process.wait()


class Bench:
    def __init__(self, runs):
        self.runs, self.rows = runs, []

    def add(self, name, unit, inside, native, goal=''):
        """Measures both in turn, so that a change of the machine's load falls on both; keeps the medians."""
        pairs = [(inside(), native() if native else None) for _ in range(self.runs)]
        ours = statistics.median(pair[0] for pair in pairs)
        theirs = statistics.median(pair[1] for pair in pairs) if native else None
        self.rows.append({'name': name, 'unit': unit, 'occlum': ours, 'native': theirs, 'goal': goal})
        native_text = f'{theirs:12.1f}' if native else f'{"-":>12}'
        print(f'{name:46} {ours:12.1f} {native_text}  {unit:6} {goal}', flush=True)


def build_cost(folder, *options):
    """(milliseconds, MiB resident at most) of occlum build."""
    seconds, memory = measured([OCCLUM, 'build', *options], folder)
    return seconds * 1000, memory / 1024


def small_instance(name, **changes):
    instance = Instance(name, **changes)
    instance.compile('hello', 'getpid_loop', 'wait_signal')
    instance.build()
    return instance


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--runs', type=int, default=9, help='how often each is measured; medians are shown (at least 5)')
    parser.add_argument('--json', metavar='FILE', help='write the figures there too')
    arguments = parser.parse_args()
    bench = Bench(max(arguments.runs, 5))
    hello, loop, waiting = map(compile_program, ('hello', 'getpid_loop', 'wait_signal'))

    print(f'{"medians of " + str(bench.runs):46} {"occlum":>12} {"native":>12}  unit   goal')
    small = small_instance('bench')
    bench.add('hello, start to end', 'ms', lambda: wall([OCCLUM, 'run', '/bin/hello'], small.folder), lambda: wall([hello]), '< 15')
    for size in ('100MB', '16GB'):
        sized = small_instance('bench' + size, **{'resource_limits.user_space_size': '100MB', 'resource_limits.user_space_max_size': size})
        bench.add(f'hello, user_space_max_size {size}', 'ms', lambda: wall([OCCLUM, 'run', '/bin/hello'], sized.folder), lambda: wall([hello]), '< 15')
    bench.add('a small waiting program, most resident memory', 'MiB', lambda: peak_memory([OCCLUM, 'run', '/bin/wait_signal'], small.folder),
              lambda: peak_memory([waiting]), '< 12')
    bench.add('getpid() through glibc', 'ns', lambda: first_number([OCCLUM, 'run', '/bin/getpid_loop'], small.folder), lambda: first_number([loop]), '< 40')

    python = Instance('bench-python')
    python.pack(PYTHON, '/usr/lib/python3.11', exclude=LEFT_OUT)
    python.build()
    bench.add('python3 -c pass', 'ms', lambda: wall([OCCLUM, 'run', *PASS], python.folder), lambda: wall(PASS), '< 2x')

    big = Instance('bench-file')
    big.compile('sequential')
    path = os.path.join(big.image, 'opt/big')
    os.makedirs(os.path.dirname(path), exist_ok=True)
    must(['dd', 'if=/dev/urandom', f'of={path}', 'bs=1M', 'count=256', 'status=none'])
    big.build()
    sequential = os.path.join(scratch(), 'sequential')
    for name, column, goal in (('256 MB image file, first pass', 1, ''), ('256 MB image file, second pass', 2, '>= 1000')):
        bench.add(name, 'MB/s', lambda: first_number([OCCLUM, 'run', '/bin/sequential', '/opt/big'], big.folder, column) / 1e6,
                  lambda: first_number([sequential, path], column=column) / 1e6, goal)
    bench.add('occlum build, nothing changed (256 MB image)', 'ms', lambda: build_cost(big.folder)[0], None, '< 100')
    must(['dd', 'if=/dev/urandom', f'of={path}2', 'bs=1M', 'count=44', 'status=none'])
    costs = [build_cost(big.folder, '-f') for _ in range(bench.runs)]
    for name, unit, column, goal in (('occlum build -f, 300 MB image', 'ms', 0, '< 5000'), ('the same, most resident memory', 'MiB', 1, '< 200')):
        series = iter(costs)
        bench.add(name, unit, lambda column=column, series=series: next(series)[column], None, goal)
    if arguments.json:
        with open(arguments.json, 'w', encoding='utf-8') as file:
            json.dump(bench.rows, file, indent=1)


if __name__ == '__main__':
    main()
