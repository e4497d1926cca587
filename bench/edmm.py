#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a program costs with EDMM beside the same without, on sgx2emu: EPC, exits, modelled and wall time. See README.md.

usage: bench/edmm.py [--runs N] [--profile client-skl|server-icx|FILE] [--json FILE]
"""
import argparse
import json
import os
import statistics
import sys
import time

os.environ['OCCLUM_E2E_PLATFORM'] = 'emulated-edmm'
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tests', 'e2e'))
from harness import Instance, occlum, scratch  # noqa: E402

MAX = '600MB'
LIMITS = {'resource_limits.user_space_max_size': MAX, 'resource_limits.init_num_of_threads': 2, 'resource_limits.max_num_of_threads': 64,
          'resource_limits.kernel_space_heap_size': '4MB', 'resource_limits.kernel_space_heap_max_size': '40MB'}
PROGRAMS = [('hello', '/bin/hello'), ('256 MiB reserved', '/bin/edmm reserve 256'), ('256 MiB touched in order', '/bin/edmm touch 256'),
            ('3,000 pages touched at random', '/bin/edmm random 256 3000'), ('256 MiB taken and given back', '/bin/edmm unmap 256'),
            ('60 threads at once', '/bin/edmm threads 60 64')]
COLUMNS = {'EPC at start': lambda s: s['leaves']['EADD'] / 256, 'EPC peak': lambda s: s['epc']['peak_pages'] / 256, 'AEX': lambda s: sum(s['aex'].values()),
           'EENTER': lambda s: s['leaves']['EENTER'], 'modelled': lambda s: s['modelled']['seconds'] * 1000, 'wall': lambda s: s['wall_ms']}
UNITS = ['MiB', 'MiB', '', '', 'ms', 'ms']


def instance_of(edmm):
    instance = Instance('edmm-' + edmm, **LIMITS)
    if edmm == 'N':  # all of it is committed at the start
        instance.configure(**{'resource_limits.user_space_size': MAX})
    else:
        instance.configure(**{'resource_limits.user_space_size': '1MB'})
    instance.compile('edmm', 'hello')
    result = occlum('build', '--enable-edmm', edmm, cwd=instance.folder, timeout=300)
    if result.status != 0:
        sys.exit(result.errors)
    return instance


def measure(instance, command, profile):
    path = os.path.join(scratch(), 'stats.json')
    begin = time.perf_counter()
    result = instance.run(*command.split(), env={'OCCLUM_EMULATE_OPTIONS': f"--epc 1G --profile '{profile}' --stats='{path}'", 'OCCLUM_QUIET': '1'}, timeout=300)
    wall = (time.perf_counter() - begin) * 1000
    if result.status != 0:
        sys.exit(f'{command}: {result.errors}')
    with open(path, encoding='utf-8') as file:
        stats = {**json.load(file), 'wall_ms': wall}
    return {name: of(stats) for name, of in COLUMNS.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--runs', type=int, default=5)
    parser.add_argument('--profile', default='server-icx')
    parser.add_argument('--json')
    options = parser.parse_args()
    instances = {'EDMM': instance_of('Y'), 'without': instance_of('N')}
    rows = []
    print(f'{"medians of " + str(options.runs) + ", " + options.profile:40}' + ''.join(f'{name + (" " + unit if unit else ""):>18}' for name, unit in zip(COLUMNS, UNITS)))
    for name, command in PROGRAMS:
        runs = {kind: [] for kind in instances}
        for _ in range(options.runs):  # in turn: a change of the machine's load falls on both
            for kind, instance in instances.items():
                runs[kind].append(measure(instance, command, options.profile))
        for kind, values in runs.items():
            row = {column: statistics.median(value[column] for value in values) for column in COLUMNS}
            rows.append({'name': name, 'build': kind, **row})
            print(f'{name + ", " + kind:40}' + ''.join(f'{value:18.1f}' for value in row.values()))
    if options.json:
        with open(options.json, 'w', encoding='utf-8') as file:
            json.dump(rows, file, indent=1)


if __name__ == '__main__':
    main()
