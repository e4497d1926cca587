#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the kernel bench: the LibOS as a host library under the sanitizers. Prints TAP.

usage: tests/kernel/run.py {smoke|regress|wakeups|stubs|compare|lies|load} [asan|tsan]...

Environment: OCCLUM_KERNEL_SECONDS (of load, each sanitizer), OCCLUM_KERNEL_SEED (default: the time, printed),
OCCLUM_KERNEL_THREADS, OCCLUM_BUILD.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

PROJECT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
BUILD = os.environ.get('OCCLUM_BUILD', os.path.join(PROJECT, 'build'))
SECONDS = int(os.environ.get('OCCLUM_KERNEL_SECONDS', '20'))
SEED = int(os.environ.get('OCCLUM_KERNEL_SEED', str(int(time.time()))))
THREADS = int(os.environ.get('OCCLUM_KERNEL_THREADS', '8'))
SEQUENCES, SEQUENCE = int(os.environ.get('OCCLUM_KERNEL_SEQUENCES', '4')), 2000
LINES = 120  # of a report that are shown
OPTIONS = {
    'ASAN_OPTIONS': 'detect_leaks=0:handle_segv=0:handle_sigbus=0',
    'UBSAN_OPTIONS': 'print_stacktrace=1',
    'TSAN_OPTIONS': 'halt_on_error=1:handle_segv=0:handle_sigbus=0:report_signal_unsafe=0:history_size=4',
}


def bench(name, *arguments, timeout, program=None, hang=60):
    """Runs the bench of a sanitizer (or a program in its place) in a fresh host folder: (status, its messages)."""
    program = program or os.path.join(BUILD, 'tests', 'kernel', 'kernel-' + name)
    with tempfile.TemporaryDirectory(prefix='occlum-kernel-') as folder:
        # Without randomized addresses: TSan of these compilers knows only the usual places.
        command = ['setarch', '-R', program, '--host', folder, *arguments]
        try:
            run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                                 env={'BENCH_HANG_SECONDS': str(hang), **os.environ, **OPTIONS})
        except subprocess.TimeoutExpired as late:
            return -1, (late.output or b'').decode(errors='replace') + f'\nno end after {timeout} s'
        finally:
            subprocess.run(['chmod', '-R', 'u+rwx', folder], check=False)
    return run.returncode, run.stdout.decode(errors='replace')


def shown(text):
    return '\n'.join('# ' + line for line in text.splitlines()[:LINES])


def simple(program, what):
    """A test of a program that only has to end well."""
    def test(name):
        status, text = bench(name, program, timeout=120)
        return status == 0, what, text
    return test


def told(program, arguments, word, what):
    """A test of a program that says in a line what it did."""
    def test(name):
        status, text = bench(name, '--seed', str(SEED), '--seconds', str(SECONDS), *arguments, program, timeout=SECONDS + 300)
        line = re.search(f'# {program}: (.*)', text)
        good = status == 0 and line is not None and word in line.group(1)
        return good, f'{what}: {line.group(1) if line else f"seed {SEED}"}, {SECONDS} s', text
    return test


def compare(name):
    """Sequences of one thread, inside and on Linux: the same answers."""
    calls = 0
    if os.geteuid() != 0:
        return True, 'answers of Linux # SKIP needs root, whom file modes do not hold', ''
    for seed in range(SEED, SEED + SEQUENCES):
        arguments = ['--seed', str(seed), '--operations', str(SEQUENCE), 'compare']
        (inside, within), (outside, without) = bench(name, *arguments, timeout=120), bench(name, '--native', *arguments, timeout=120)
        lines = list(zip(within.splitlines(), without.splitlines()))
        calls += len(lines)
        other = next((i for i, (ours, linux) in enumerate(lines) if ours != linux), None)
        if inside or outside or other is not None or len(lines) != SEQUENCE:
            at = other if other is not None else len(lines)
            story = [ours for ours, linux in lines[max(0, at - 30):at]] + [f'here: {lines[at][0]}', f'Linux: {lines[at][1]}'] if other is not None else [within, without]
            return False, f'seed {seed}: another answer than Linux after {at} calls', '\n'.join(story)
    return True, f'{calls} calls in {SEQUENCES} sequences from seed {SEED} have the answers of Linux', ''


TESTS = {
    'compare': compare,
    'smoke': simple('smoke', 'files, faults, signals, threads, processes, execve'),
    'regress': simple('regress', 'faults that were found'),
    'wakeups': told('wakeups', [], 'rounds', 'no wake-up is lost'),
    'stubs': told('stubs', [], 'refusals', 'a host that answers anything'),
    'lies': told('load', ['--threads', str(THREADS), '--lies', '30'], 'false', 'random load on a host that lies'),
    'load': told('load', ['--threads', str(THREADS)], 'calls', 'random load'),
}


def main():
    test, names = sys.argv[1], sys.argv[2:] or ['asan', 'tsan']
    failures = 0
    if not shutil.which('setarch'):
        sys.exit('setarch (util-linux) is needed')
    print(f'1..{len(names)}', flush=True)
    for number, name in enumerate(names, 1):
        good, what, text = TESTS[test](name)
        failures += not good
        if not good:
            print(shown(text))
        print(f'{"ok" if good else "not ok"} {number} - {name}: {what}', flush=True)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
