#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Files on the volume beside the same work natively and on a root in memory. See README.md.

usage: bench/volume.py [--runs N] [--mib N] [--json FILE]      OCCLUM_BUILD chooses the build; OCCLUM_BENCH_FOLDER where the host's files lie
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tests', 'e2e'))
from harness import OCCLUM, Instance, clean_environment, compile_program, scratch  # noqa: E402

ROWS = [('seq_write', 'sequential write, fsync at the end, MiB/s'), ('seq_read', 'sequential read, MiB/s'), ('random_write', 'random 4 KiB writes, one fsync, MiB/s'),
        ('random_read', 'random 4 KiB reads, MiB/s'), ('create_fsync', 'create, 512 bytes, fsync: files/s'), ('create', 'create, 512 bytes: files/s'),
        ('sqlite', 'sqlite3, a transaction for each row: rows/s'), ('host_bytes', 'host bytes written per byte (write phase)'), ('resident', 'resident at the end of it, MiB')]
INSERTS = 300
SCRIPT = """import os, resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdin=sys.stdin).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print('usage', usage.ru_oublock * 512, usage.ru_maxrss, file=sys.stderr)
sys.exit(status)
"""


def run(command, cwd, stdin=b''):
    """What the program said on stderr, as {name: figure}, with bytes written by the host and resident KiB."""
    result = subprocess.run(['/usr/bin/python3', '-S', '-c', SCRIPT, *command], cwd=cwd, env=clean_environment(), input=stdin, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, check=True)
    words = [line.split() for line in result.stderr.decode().splitlines() if line]
    figures = {line[0]: float(line[1]) for line in words if len(line) == 2}
    usage = [line for line in words if line[0] == 'usage'][0]
    return {**figures, 'bytes': int(usage[1]), 'resident': int(usage[2]) / 1024}


def sqlite_text():
    rows = ''.join(f"insert into t values({number}, hex(zeroblob(100)));\n" for number in range(INSERTS))
    return f'create table t(id integer primary key, body text);\n.timer on\n{rows}'.encode()


def measure(prefix, folder, cwd, mib):
    program = [*prefix, '/bin/volume_bench' if prefix else compile_program('volume_bench'), folder, str(mib)]
    write, read = run([*program, 'write'], cwd), {}
    if not prefix or prefix[-1] == 'run':
        read = run([*program, 'read'], cwd)
    begin = os.times().elapsed
    database = f'{folder}/db'
    subprocess.run([*prefix, '/usr/bin/sqlite3', '-batch', database], cwd=cwd, env=clean_environment(), input=b'select 1;\n', stdout=subprocess.DEVNULL, check=True)
    start = os.times().elapsed - begin
    begin = os.times().elapsed
    subprocess.run([*prefix, '/usr/bin/sqlite3', '-batch', database], cwd=cwd, env=clean_environment(), input=sqlite_text(), stdout=subprocess.DEVNULL, check=True)
    figures = {**write, **read, 'resident': write['resident'], 'sqlite': INSERTS / max(os.times().elapsed - begin - start, 0.01)}
    return {**figures, 'host_bytes': write['bytes'] / ((mib << 20) + 4000 * 4096 + 2200 * 512)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--runs', type=int, default=3)
    parser.add_argument('--mib', type=int, default=256)
    parser.add_argument('--json', metavar='FILE')
    arguments = parser.parse_args()
    place = tempfile.mkdtemp(prefix='bench-', dir=os.environ.get('OCCLUM_BENCH_FOLDER', scratch()))
    instances = {'volume': Instance('bench', persistent=True), 'in memory': Instance('bench-memory')}
    for instance in instances.values():
        instance.compile('volume_bench')
        instance.pack('/usr/bin/sqlite3')
        instance.build()
    seen = {name: [] for name in ('native', *instances)}
    for _ in range(arguments.runs):
        shutil.rmtree(place)
        os.mkdir(place)
        seen['native'].append(measure([], place, '/', arguments.mib))
        for name, instance in instances.items():
            shutil.rmtree(os.path.join(instance.folder, 'run', 'mount', '__ROOT'), ignore_errors=True)
            # In memory nothing is left to be read by a second run.
            figures = measure([OCCLUM, 'run'], '/root', instance.folder, arguments.mib) if name == 'volume' else run(
                [OCCLUM, 'run', '/bin/volume_bench', '/root', str(arguments.mib), 'write'], instance.folder)
            seen[name].append(figures)
    shutil.rmtree(place)
    medians = {name: {row: statistics.median(run_[row] for run_ in runs) for row, _ in ROWS if all(row in run_ for run_ in runs)} for name, runs in seen.items()}
    print(f'{"medians of " + str(arguments.runs) + ", " + str(arguments.mib) + " MiB":48}' + ''.join(f'{name:>12}' for name in medians))
    for row, title in ROWS:
        print(f'{title:48}' + ''.join(f'{values[row]:12.2f}' if row in values else f'{"-":>12}' for values in medians.values()))
    if arguments.json:
        with open(arguments.json, 'w', encoding='utf-8') as file:
            json.dump(medians, file, indent=1)


if __name__ == '__main__':
    main()
