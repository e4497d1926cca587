#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""By hand: kills programs that write to the volume, by SIGKILL at random moments, and looks each time whether all that was fsynced is there.

usage: volume_kills.py [--kills N] [--seed N] [--quick]      (OCCLUM_BUILD: the build folder; simulation)

After each kill the volume is checked block by block, exported and given to e2fsck -fn; the next run of the same program finds out whether the
state is one that may be. Three programs by turns: sqlite3 (transactions with a journal), `mixed` (create, write, truncate, rename, link, unlink, an
fsync after each 1 to 5 of them) and `durable` (records appended, each fsynced). --quick leaves out check, export and e2fsck of 9 in 10 kills.
"""
import argparse
import os
import random
import shutil
import subprocess
import sys
import time

from harness import OCCLUM, PROJECT, Instance, clean_environment, expect, must, occlum, run_command, scratch

REMAKE = 60  # kills after which the volume is made anew


class Sqlite:
    """Rows 1..n in a table, one or several in a transaction; `n` is told when the transaction is over.

    A kill is to the volume what a power cut is to a disk, so sqlite must sync the folder too when the journal goes (synchronous=extra), or keep a
    write-ahead log: with less the last transaction may be rolled back, on ext4 as here.
    """
    def __init__(self, generator):
        self.generator, self.told = generator, 0
        self.mode = generator.choice(('delete', 'truncate', 'wal'))

    def command(self):
        lines = [f'pragma journal_mode={self.mode};', 'pragma synchronous=extra;', 'create table if not exists t(id integer primary key, body text);', 'pragma integrity_check;',
                 "select 'have', count(*), coalesce(max(id), 0), coalesce(sum(body = hex(zeroblob(id % 300))), 0) from t;"]
        at, self.have = self.told, None
        lines.append('.print go')
        # Rows that may be there already are written over.
        for _ in range(600):
            group = self.generator.choice((1, 1, 1, 5, 40))
            lines.append('begin;' if group > 1 else '')
            lines += [f'insert or replace into t values({at + i + 1}, hex(zeroblob({(at + i + 1) % 300})));' for i in range(group)]
            lines.append('commit;' if group > 1 else '')
            at += group
            lines.append(f'.print {at}')
        return ['/usr/bin/sqlite3', '-batch', '-bail', '/root/db'], '\n'.join(lines).encode() + b'\n'

    def judge(self, lines):
        state = [line for line in lines if line.startswith('have')]
        if not state:
            return
        _, count, last, good = state[0].split('|')
        expect('ok' in lines, f'sqlite says the database is damaged: {lines[:5]}')
        expect(int(count) == int(last) == int(good) and int(last) >= self.told, f'{self.told} rows were durable, the table has {state[0]}')
        if 'go' in lines:
            numbers = [int(line) for line in lines[lines.index('go') + 1:]]
            self.told = max([self.told] + numbers)


class Mixed:
    def __init__(self, generator):
        self.told, self.sync = 0, generator.choice((1, 1, 2, 3, 5))

    def command(self):
        return ['/bin/mixed', '/root/mixed', str(self.told), str(self.sync)], b''

    def judge(self, lines):
        if lines:  # the state it found is on the disk, whether or not it was told of before
            self.told = int(lines[-1].removeprefix('at '))


class Durable:
    def __init__(self, _):
        self.told = 0

    def command(self):
        return ['/bin/durable', 'write', '/root/records'], b''

    def judge(self, lines):
        if lines:
            expect(int(lines[0]) > self.told, f'{self.told} records were durable, the first one written was {lines[0]}')
            self.told = int(lines[-1])


def setup():
    instance = Instance('kills', persistent=True)
    config = instance.read_config()
    config['mount'][0]['options']['layers'][1]['options'] = {'disk_size': '24MB'}
    instance.configure(mount=config['mount'])
    instance.compile('durable', 'mixed')
    instance.pack('/usr/bin/sqlite3')
    instance.build()
    return instance


def killed_run(instance, workload, seconds):
    """Complete lines that the program printed until it was killed."""
    command, text = workload.command()
    script = os.path.join(scratch(), 'stdin')
    with open(script, 'wb') as file:
        file.write(text)
    with open(script, 'rb') as stdin:
        process = subprocess.Popen([OCCLUM, 'run', *command], cwd=instance.folder, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=clean_environment(), start_new_session=True)
    killed = False
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        killed = True
    out, err = process.communicate()
    expect(killed or process.returncode == 0, f'the program ended by itself: {process.returncode}, {err.decode()[-500:]}')
    return out.decode().split('\n')[:-1], killed


def check_volume(instance):
    if not os.path.exists(os.path.join(instance.folder, 'run', 'mount', '__ROOT', 'volume')):
        return
    exported = os.path.join(scratch(), 'exported')
    result = occlum('volume', 'check', cwd=instance.folder)
    expect(result.status == 0, 'the volume has bad blocks', result)
    result = occlum('volume', 'export', exported, cwd=instance.folder)
    expect(result.status == 0, 'the volume cannot be exported', result)
    result = run_command(['e2fsck', '-fn', exported])
    expect(result.status == 0, 'e2fsck has something to say', result)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--kills', type=int, default=100)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--quick', action='store_true')
    options = parser.parse_args()
    generator = random.Random(options.seed)
    instance, begin = setup(), time.time()
    commit = os.environ.get('OCCLUM_COMMIT') or subprocess.run(['git', '-C', PROJECT, 'rev-parse', '--short', 'HEAD'], capture_output=True, text=True).stdout.strip()
    counts = {'kills': 0, 'ended': 0, 'before the first line': 0, 'fsck': 0, 'told': 0}
    kinds, workload = (Sqlite, Mixed, Durable), None
    start = 0.15
    while counts['kills'] < options.kills:
        if counts['kills'] % REMAKE == 0:
            shutil.rmtree(os.path.join(instance.folder, 'run', 'mount', '__ROOT'), ignore_errors=True)
            workload = kinds[counts['kills'] // REMAKE % len(kinds)](generator)
        before = workload.told
        # The start of the enclave is part of what is killed now and then.
        lines, killed = killed_run(instance, workload, generator.uniform(start * 0.3, start * 0.8) if generator.random() < 0.1 else
                                   start + generator.expovariate(1 / 0.12))
        try:
            workload.judge(lines)
            counts['kills'] += killed
            counts['ended'] += not killed
            counts['before the first line'] += not lines
            counts['told'] += workload.told - before
            start = min(start * 1.05, 2) if not lines else max(start * 0.995, 0.05)
            if not options.quick or counts['kills'] % 10 == 0:
                check_volume(instance)
                counts['fsck'] += 1
        except Exception:
            print(f'LOST: kill {counts["kills"]} of {workload.__class__.__name__}, seed {options.seed}, lines {lines[:3]} .. {lines[-2:]}', flush=True)
            raise
        if counts['kills'] % 100 == 0:
            print(f'{time.time() - begin:.0f} s: {counts}', flush=True)
    print(f'commit {commit}, seed {options.seed}: {counts}, 0 lost, {time.time() - begin:.0f} s')


if __name__ == '__main__':
    sys.exit(main())
