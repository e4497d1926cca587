#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""occlum run --report: what it says of memory and events, on every platform, and that the emulator counts the same."""
import json
import os
import signal
import subprocess

from harness import (Group, Instance, OCCLUM, clean_environment, expect, expect_output, expect_status, kill_group, limits, occlum,
                     run_command, scratch)

group = Group()
HELD = 64 << 20
# The report's platforms, whatever the suite runs on: each as a case.
KINDS = {'sim': {'SGX_MODE': 'SIM'}, 'sgx': {'SGX_MODE': 'HW', 'ENABLE_EDMM': 'N', 'OCCLUM_EMULATE': '1'},
         'edmm': {'SGX_MODE': 'HW', 'ENABLE_EDMM': 'Y', 'OCCLUM_EMULATE': '1'}}


class Builds:
    def __init__(self):
        self.of = {}
        for kind, env in KINDS.items():
            instance = Instance('report-' + kind)
            instance.configure(**{'resource_limits.user_space_size': '1MB' if kind == 'edmm' else '128MB',
                                  'resource_limits.user_space_max_size': '128MB', 'feature.enforce_max_limits': True,
                                  'resource_limits.kernel_space_heap_size': '8MB', 'resource_limits.max_num_of_threads': 16,
                                  'resource_limits.init_num_of_threads': 2})
            instance.compile('hello', 'holds')
            expect_status(occlum('build', cwd=instance.folder, env=env), 0)
            self.of[kind] = instance


def environment(kind, **more):
    return clean_environment({'OCCLUM_EMULATE': '', **KINDS[kind], **more})


def check(report, kind):
    expect(list(report) == ['platform', 'emulated', 'edmm', 'startup_ms', 'regions', 'threads', 'events', 'host_calls'], f'other keys: {list(report)}')
    expect(report['platform'] == ('sim' if kind == 'sim' else 'sgx') and report['edmm'] is (kind == 'edmm'), f'wrong platform: {report}')
    expect(report['emulated'] is (kind != 'sim'), 'emulated or not is wrong')
    expect(list(report['regions']) == ['image', 'kernel_heap', 'user_space', 'threads'], f'other regions: {list(report["regions"])}')
    for name, region in [*report['regions'].items(), ('count of threads', report['threads'])]:
        expect(list(region) == ['initial', 'current', 'peak', 'max'], f'{name}: other keys')
        expect(region['current'] <= region['peak'] <= region['max'] and region['initial'] <= region['max'], f'{name}: {region}')
    for name in ('load', 'init', 'exec'):
        expect(0 <= report['startup_ms'][name] < 60000, f'start-up {name}: {report["startup_ms"]}')


for kind in KINDS:
    def at_exit(builds, kind=kind):
        path = os.path.join(scratch(), 'report.json')
        stats = os.path.join(scratch(), 'stats.json')
        env = environment(kind, OCCLUM_EMULATE_OPTIONS=f'--epc 512M --stats={stats}')
        result = run_command([OCCLUM, 'run', f'--report={path}', '/bin/hello'], cwd=builds.of[kind].folder, env=env)
        expect_output(result, 'Hello, world!\n')
        with open(path, encoding='utf-8') as file:
            report = json.load(file)
        check(report, kind)
        calls = report['host_calls']
        expect(report['events']['ocalls'] == sum(calls.values()) > 0, f'{report["events"]["ocalls"]} host calls, by kind: {calls}')
        expect(calls.get('write', 0) >= 1 and calls.get('image_populate', 0) >= 1, f'host calls: {calls}')
        if kind == 'sim':
            return
        with open(stats, encoding='utf-8') as file:
            leaves = json.load(file)['leaves']
        for name in ('EADD', 'EACCEPT', 'EACCEPTCOPY', 'EMODPE', 'EENTER', 'EEXIT'):
            expect(report['events'][name] == leaves[name], f'{name}: {report["events"][name]}, the emulator counted {leaves[name]}')
        expect(report['events']['type_pages'] == leaves['EMODT'], 'EMODT differs')
        # The driver asks EMODPR once for each page it removes.
        expect(report['events']['restrict_pages'] + report['events']['removed_pages'] == leaves['EMODPR'], 'EMODPR differs')

    def while_running(builds, kind=kind):
        path = os.path.join(scratch(), 'running.json')
        process = subprocess.Popen([OCCLUM, 'run', f'--report={path}', '/bin/holds', str(HELD >> 20)], cwd=builds.of[kind].folder,
                                   env=environment(kind, OCCLUM_EMULATE_OPTIONS='--epc 512M'), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, start_new_session=True)
        try:
            seen = {}
            for word in ('held', 'free'):
                line = process.stdout.readline().decode().strip()
                expect(line == word, f'{line!r} instead of {word}')
                seen[word] = ask(process, path)
                check(seen[word], kind)
                process.stdin.write(b'\n')
                process.stdin.flush()
            expect(process.wait(60) == 0, 'it did not end well')
            held, free = (seen[word]['regions']['user_space']['current'] for word in ('held', 'free'))
            if kind == 'sgx': # all is committed at load and stays
                expect(held == free, f'{held} and {free}')
            else:
                expect(held >= HELD and held - free >= HELD - (8 << 20), f'held {held}, freed {free}')
        finally:
            kill_group(process)

    group.add(f'{kind}: JSON at the end, and the emulator counts the same', at_exit)
    group.add(f'{kind}: SIGUSR1 tells the present, and what is given back', while_running)


def ask(process, path):
    """The report as it is now. The signal goes to the program that was started, whichever that is."""
    if os.path.exists(path):
        os.unlink(path)
    os.kill(process.pid, signal.SIGUSR1)
    expect(limits.wait_for(lambda: os.path.exists(path), 10), 'no report after SIGUSR1')
    with open(path, encoding='utf-8') as file:
        return json.load(file)


@group.case('a table on stderr without a file')
def _(builds):
    result = run_command([OCCLUM, 'run', '-r', '/bin/hello'], cwd=builds.of['sim'].folder, env=environment('sim'))
    expect_output(result, 'Hello, world!\n')
    for word in ('occlum report: simulation', 'user_space', 'kernel_heap', 'threads', 'EACCEPT', 'peak'):
        expect(word in result.errors, f'no {word}', result)


@group.case('a file that cannot be written: said, and the status is still the program\'s')
def _(builds):
    result = run_command([OCCLUM, 'run', '--report=/nowhere/x.json', '/bin/hello'], cwd=builds.of['sim'].folder, env=environment('sim'))
    expect_output(result, 'Hello, world!\n')
    expect('/nowhere/x.json' in result.errors, 'nothing about the file', result)


if __name__ == '__main__':
    group.main(Builds)
