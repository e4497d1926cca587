#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What sgx2emu costs: transitions, pages, loading. Medians of --runs runs; the rows are described in bench/README.md."""
import argparse
import os
import re
import statistics
import subprocess

BUILD = os.environ.get('OCCLUM_BUILD', os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'build'))
EMULATOR = os.path.join(BUILD, 'bin', 'sgx2emu')
ENCLAVE = os.path.join(BUILD, 'tests', 'emulator', 'emulator-enclave')
DRIVER = os.path.join(BUILD, 'tests', 'emulator', 'sgx', 'sgx-driver')
LOAD_MB = 256


def output(*command):
    return subprocess.run([EMULATOR, '--epc', '1G', *command], check=True, capture_output=True, text=True).stdout


def collect(rows, prefix, *options):
    for name, value in re.findall(r'^# (.*): ([\d.]+) us', output(*options, ENCLAVE), re.M):
        rows.setdefault(f'{name}{prefix} (us)', []).append(float(value))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--runs', type=int, default=5)
    runs = parser.parse_args().runs
    rows = {}
    for _ in range(runs):
        collect(rows, '', '--pin')
        collect(rows, ', a stop each', '--pin', '--no-batch')
        for measured in (1, 0):
            seconds = float(output('--pin', DRIVER, 'load', str(LOAD_MB), str(measured)))
            rows.setdefault(f'ADD_PAGES of {LOAD_MB} MB{", measured" if measured else ""} (s)', []).append(seconds)
    for name, values in rows.items():
        print(f'{name:55} {statistics.median(values):9.2f}   {min(values):.2f} - {max(values):.2f}')


if __name__ == '__main__':
    main()
