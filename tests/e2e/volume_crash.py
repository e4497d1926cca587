#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""By hand: what a real program had the host write is recorded (strace), and every state that a power cut could have left is built and looked at.

usage: volume_crash.py [--states N] [--seed N] [--steps N]      (OCCLUM_BUILD: the build folder; simulation)

Between two syncs of the host file: every prefix of the writes, the last of them torn at each 512 bytes, and random subsets of them, each with random
tears. Of each state: every block verifies, e2fsck -fn is clean, and the program's data is that of a moment not older than the last that the program
was told is durable. The judge is first given a recording without its syncs, in which it must find something wrong.
"""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import time

from harness import OCCLUM, PROJECT, Failure, clean_environment, expect, must, occlum, run_command, scratch
from volume_kills import setup

CALL = re.compile(rb'^\d+ +(\w+)\((.*)\) += (-?\d+)')


def volume_path(instance):
    return os.path.join(instance.folder, 'run', 'mount', '__ROOT', 'volume')


def record(instance, command, stdin):
    """[('write', offset, bytes) | ('sync',) | ('told', line)] of a run from the volume as it is."""
    trace = os.path.join(scratch(), 'trace')
    must(['strace', '-f', '-y', '-xx', '-s', '1000000', '-e', 'trace=pwrite64,fdatasync,fsync,fallocate,write', '-e', 'signal=none', '-o', trace, OCCLUM, 'run', *command],
         cwd=instance.folder, env=clean_environment(), stdin=stdin)
    log, volume = [], os.fsencode(os.path.realpath(volume_path(instance)))
    hexed = b''.join(b'\\x%02x' % byte for byte in volume)
    with open(trace, 'rb') as file:
        for line in file:
            match = CALL.match(line)
            if b'unfinished' in line and (hexed in line or volume in line):
                raise Failure(f'a call that was interrupted: {line[:100]}')
            if not match:
                continue
            name, arguments, result = match.group(1), match.group(2), int(match.group(3))
            ours = hexed in arguments or volume in arguments
            if name == b'pwrite64' and ours:
                data, size, offset = re.search(rb'"((?:\\x[0-9a-f]{2})*)", (\d+), (\d+)$', arguments).groups()
                data = bytes.fromhex(data.replace(b'\\x', b'').decode())
                expect(len(data) == int(size) == result, f'a write that was not recorded whole: {line[:100]}')
                log.append(('write', int(offset), data))
            elif name in (b'fdatasync', b'fsync') and ours:
                log.append(('sync',))
            elif name == b'fallocate' and ours and b'PUNCH' in arguments:
                offset, size = map(int, re.search(rb', (\d+), (\d+)$', arguments).groups())
                log.append(('write', offset, bytes(size)))
            elif name == b'write' and arguments.startswith(b'1<'):
                data = re.search(rb'"((?:\\x[0-9a-f]{2})*)"', arguments).group(1)
                log += [('told', text) for text in bytes.fromhex(data.replace(b'\\x', b'').decode()).decode().split('\n') if text]
    return log


class Sqlite:
    name, options = 'sqlite3', ['/usr/bin/sqlite3', '-batch', '/root/db']

    def __init__(self, mode, steps):
        self.mode = mode
        lines = [f'pragma journal_mode={mode};', 'pragma synchronous=extra;', 'create table t(id integer primary key, body text);']
        for number in range(1, steps + 1):
            lines += [f'insert into t values({number}, hex(zeroblob({number * 37 % 900})));', f'.print told {number}']
        self.command, self.stdin = self.options, '\n'.join(lines).encode() + b'\n'

    def told(self, line):
        return int(line.split()[1]) if line.startswith('told') else 0

    def judge(self, instance, exported, least):
        """Opens the database natively, as it lies on the disk."""
        folder = os.path.join(scratch(), 'taken')
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
        subprocess.run(['debugfs', '-R', f'rdump /root {folder}', exported], capture_output=True, check=True)
        database = os.path.join(folder, 'root', 'db')
        if not os.path.exists(database):
            expect(least == 0, 'the database is gone')
            return
        result = run_command(['sqlite3', '-batch', database, 'pragma integrity_check;',
                              "select count(*), coalesce(max(id), 0), coalesce(sum(body = hex(zeroblob(id * 37 % 900))), 0) from t;"])
        if least == 0 and 'no such table' in result.errors:
            return
        expect(result.status == 0 and result.text.startswith('ok\n'), 'sqlite finds damage', result)
        count, last, good = map(int, result.text.split('\n')[1].split('|'))
        expect(count == last == good and last >= least, f'{least} rows were durable, there are {count}, last {last}, good {good}')


class Mixed:
    def __init__(self, sync, steps):
        self.name, self.sync = f'mixed {sync}', sync
        self.command, self.stdin = ['/bin/mixed', '/root/mixed', '0', str(sync), 'until', str(steps)], b''

    def told(self, line):
        return 0 if line.startswith('at') else int(line)

    def judge(self, instance, exported, least):
        """The program itself, inside: it knows what each state is."""
        result = occlum('run', '/bin/mixed', '/root/mixed', str(least), str(self.sync), 'check', cwd=instance.folder)
        expect(result.status == 0, f'at {least}', result)


class States:
    """What may be on the disk: everything of the epochs before, and of one epoch some writes, the last of them torn."""

    def __init__(self, start, log):
        self.log, self.epochs, self.least = log, [[]], [0]
        self.start = bytearray(start)

    def split(self, told, no_syncs=False):
        for entry in self.log:
            if entry[0] == 'write':
                self.epochs[-1].append(entry[1:])
            elif entry[0] == 'sync' and not no_syncs:
                self.epochs.append([])
                self.least.append(self.least[-1])
            elif entry[0] == 'told':
                self.least[-1] = max(self.least[-1], told(entry[1]))

    @staticmethod
    def put(disk, write, size=None):
        offset, data = write
        data = data if size is None else data[:size]
        if len(disk) < offset + len(data):
            disk.extend(bytes(offset + len(data) - len(disk)))
        disk[offset:offset + len(data)] = data

    def each(self, generator, subsets):
        disk = bytearray(self.start)
        for epoch, least in zip(self.epochs, self.least):
            for count in range(len(epoch) + 1):
                yield self.made(disk, epoch[:count], None), least
                if count:
                    size = len(epoch[count - 1][1])
                    for torn in (range(512, min(size, 4096), 512) if size <= 4096 else [generator.randrange(1, size // 512) * 512]):
                        yield self.made(disk, epoch[:count], torn), least
            for _ in range(subsets if len(epoch) > 1 else 0):
                chosen = [write for write in epoch if generator.random() < 0.5]
                yield self.made(disk, chosen, generator.randrange(1, 8) * 512 if chosen else None), least
            for write in epoch:
                self.put(disk, write)

    def made(self, disk, writes, torn):
        state = bytearray(disk)
        for index, write in enumerate(writes):
            self.put(state, write, torn if torn and index == len(writes) - 1 else None)
        return state


def look(instance, workload, state, least):
    with open(volume_path(instance), 'wb') as file:
        file.write(state)
    exported = os.path.join(scratch(), 'exported')
    result = occlum('volume', 'check', cwd=instance.folder)
    expect(result.status == 0, 'bad blocks, or it does not open', result)
    result = occlum('volume', 'export', exported, cwd=instance.folder)
    expect(result.status == 0, 'it cannot be exported', result)
    result = run_command(['e2fsck', '-fn', exported])
    expect(result.status == 0, 'e2fsck has something to say', result)
    workload.judge(instance, exported, least)


def run_states(instance, workload, start, log, options, no_syncs=False):
    """The number of states; a Failure at the first that may not be."""
    generator, count = random.Random(options.seed), 0
    states = States(start, log)
    states.split(workload.told, no_syncs)
    for state, least in states.each(generator, options.subsets):
        look(instance, workload, state, least)
        count += 1
        if count == options.states:
            break
    return count, len(states.epochs)


def planted(instance, workload, start, log, options):
    """Without syncs every write may be lost alone: somewhere data that was told of must be missing."""
    generator = random.Random(options.seed)
    states = States(start, log)
    states.split(workload.told, no_syncs=True)
    epoch, least = states.epochs[0], states.least[0]
    for _ in range(20):
        chosen = [write for write in epoch if generator.random() < 0.5]
        try:
            look(instance, workload, states.made(states.start, chosen, None), least)
        except Failure:
            return
    raise Failure('the judge sees nothing wrong where everything is')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--states', type=int, default=1000, help='of each workload, at most')
    parser.add_argument('--subsets', type=int, default=6, help='of each epoch')
    parser.add_argument('--steps', type=int, default=12)
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    instance, begin = setup(), time.time()
    commit = os.environ.get('OCCLUM_COMMIT') or subprocess.run(['git', '-C', PROJECT, 'rev-parse', '--short', 'HEAD'], capture_output=True, text=True).stdout.strip()
    workloads = [Sqlite('delete', options.steps), Sqlite('wal', options.steps), Sqlite('truncate', options.steps), Mixed(1, options.steps * 3), Mixed(3, options.steps * 6)]
    total = 0
    for workload in workloads:
        shutil.rmtree(os.path.dirname(volume_path(instance)), ignore_errors=True)
        must([OCCLUM, 'run', '/bin/durable', 'read', '/root/none'], cwd=instance.folder, env=clean_environment())
        with open(volume_path(instance), 'rb') as file:
            start = file.read()
        log = record(instance, workload.command, workload.stdin)
        planted(instance, workload, start, log, options)
        count, epochs = run_states(instance, workload, start, log, options)
        total += count
        print(f'{workload.name} {getattr(workload, "mode", "")}: {sum(entry[0] == "write" for entry in log)} writes, {epochs} epochs, {count} states, 0 wrong', flush=True)
    print(f'commit {commit}, seed {options.seed}: {total} states, 0 wrong, e2fsck clean each time, {time.time() - begin:.0f} s')


if __name__ == '__main__':
    sys.exit(main())
