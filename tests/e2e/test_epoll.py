#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Events: epoll, poll and select over what is inside and over descriptors of the host, beside Linux."""
import os
import subprocess
import time

from harness import OCCLUM, Group, Instance, clean_environment, expect, kill_group

group = Group()


def setup():
    instance = Instance('epoll')
    instance.compile('events', 'host_events')
    instance.build()
    return instance


@group.case('nested instances, edges, oneshot, timers, packets and sizes of pipes, FIFOs, time left: as on Linux')
def _(instance):
    instance.same('/bin/events')


def talk(instance, mode, *steps):
    """Runs host_events MODE with pipes for its streams; each step is what is written (None: the end) and what comes back."""
    process = subprocess.Popen([OCCLUM, 'run', '/bin/host_events', mode], cwd=instance.folder, env=clean_environment(),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    try:
        for data, answer in steps:
            if data is None:
                process.stdin.close()
            else:
                process.stdin.write(data)
                process.stdin.flush()
            line = process.stdout.readline()
            expect(line == answer, f'after {data!r} came {line!r}, not {answer!r}')
        expect(process.wait(60) == 0, f'the status is {process.returncode}')
    finally:
        kill_group(process)
        process.stdout.close()


for name in ('level', 'edge', 'poll', 'thread'):
    group.add(f'standard input, a pipe of the host: {name}', lambda instance, mode=name: talk(
        instance, mode, (b'', b'ready\n'), (b'abc', b'3 in\n'), (b'de', b'2 in\n'), (None, b'0 end\n')))


@group.case('an idle program with a host descriptor and a timer far away uses no CPU')
def _(instance):
    process = subprocess.Popen([OCCLUM, 'run', '/bin/host_events', 'level'], cwd=instance.folder, env=clean_environment(),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    try:
        expect(process.stdout.readline() == b'ready\n', 'it did not start')

        def ticks():
            with open(f'/proc/{process.pid}/stat', encoding='ascii') as file:
                fields = file.read().rsplit(')', 1)[1].split()
            return int(fields[11]) + int(fields[12])
        time.sleep(0.5)
        before = ticks()
        time.sleep(1)
        expect(ticks() - before <= os.sysconf('SC_CLK_TCK') // 20, 'an idle second cost more than 5% of a CPU')
    finally:
        kill_group(process)
        process.stdin.close()
        process.stdout.close()


group.main(setup)
