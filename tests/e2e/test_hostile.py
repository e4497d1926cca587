#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A hostile driver changes pages at random moments. The enclave stops, or the page is refused, or nothing noticeable happens; it never
takes a changed page for data and never hangs. OCCLUM_HOSTILE_RUNS: moments of each kind (100 for the whole test)."""
import json
import os
import shutil
import struct

os.environ['OCCLUM_E2E_PLATFORM'] = 'emulated-edmm'
from harness import BUILD, Failure, Group, Instance, clean_environment, expect, must, run_command, scratch  # noqa: E402

RUNS = int(os.environ.get('OCCLUM_HOSTILE_RUNS', '8'))
SEED = int(os.environ.get('OCCLUM_HOSTILE_SEED', '1'))
KINDS = {
    'replace': ('a committed page removed and re-added as zero', 'EENTER'),
    'remove': ('a committed page removed', 'EENTER'),
    'restrict=r': ('rights taken from a page', 'EENTER'),
    'restrict=none': ('all rights taken from a page', 'ERESUME'),
    'trim': ('the type of a page changed to TRIM', 'EENTER'),
    'tcs': ('a TCS made of a page', 'EENTER'),
    'augment': ('EAUG where none was asked', 'EENTER'),
}
group = Group()


class World:
    def __init__(self):
        self.instance = Instance('hostile', **{'resource_limits.user_space_size': '1MB', 'resource_limits.kernel_space_heap_size': '4MB',
                                               'resource_limits.init_num_of_threads': 2, 'resource_limits.max_num_of_threads': 16})
        self.instance.compile('guard')
        self.occlum = os.path.join(BUILD, 'bin', 'occlum')
        self.user_end = 0
        self.build()
        plain = self.run(None, 0)
        expect(plain.status == 0 and plain.text == 'right\n', 'it does not even run undisturbed', plain)
        with open(os.path.join(scratch(), 'stats.json'), encoding='utf-8') as file:
            self.moments = json.load(file)['leaves'] # how many of each event a run has, about
        print(f'# of an undisturbed run: {self.moments["EENTER"]} EENTER, {self.moments["ERESUME"]} ERESUME')

    def build(self):
        must([self.occlum, 'build', '-f'], cwd=self.instance.folder, env=clean_environment())
        self.user_end = self.layout_end()

    def layout_end(self):
        """Programs' pages lie below this address (struct enclave_layout, user_end); every third run tries the library OS's too."""
        with open(os.path.join(self.instance.folder, 'build', 'lib', 'libocclum-libos.signed.so'), 'rb') as file:
            return struct.unpack_from('<Q', file.read(4096), 72)[0]

    def run(self, kind, seed):
        script = os.path.join(scratch(), 'script')
        target = 'any' if seed % 3 == 2 else f'0x10000-{self.user_end:#x}'
        stats = os.path.join(scratch(), 'stats.json')
        with open(script, 'w', encoding='utf-8') as file:
            if kind:
                file.write(f'seed {seed}\nrandom {KINDS[kind][1]} 1 {self.moments[KINDS[kind][1]]} {kind} {target}\n')
        env = clean_environment({'OCCLUM_EMULATE_OPTIONS': f'--epc 256M --script {script} --stats={stats}'})
        result = run_command([self.occlum, 'run', '/bin/guard'], cwd=self.instance.folder, env=env, timeout=60)
        try:
            with open(stats, encoding='utf-8') as file:
                result.acted = '"script_actions"' in file.read()
        except OSError:
            result.acted = True # killed before it could write
        return result


def judge(result, what):
    if result.timed_out:
        raise Failure(f'{what}: it hangs\n{result.describe()}')
    if b'WRONG' in result.out or result.status == 66:
        raise Failure(f'{what}: a changed page was taken for data\n{result.describe()}')
    stopped = result.status == 125 and 'the enclave stopped' in result.errors
    refused = result.status in (128 + 11, 128 + 7, 1)
    if not (stopped or refused or (result.status == 0 and result.text == 'right\n')):
        raise Failure(f'{what}: an end that nobody planned\n{result.describe()}')
    return 'stopped' if stopped else 'refused' if refused else 'right'


def tried(world, kind, runs):
    ends = {'stopped': 0, 'refused': 0, 'right': 0, 'acted': 0}
    for number in range(runs):
        seed = SEED * 1000 + number
        result = world.run(kind, seed)
        ends[judge(result, f'seed {seed}')] += 1
        ends['acted'] += result.acted
    return ends


@group.case('the runner catches a planted acceptor')
def _(world):
    planted = os.path.join(scratch(), 'planted')
    os.makedirs(os.path.join(planted, 'bin'))
    os.makedirs(os.path.join(planted, 'lib', 'occlum'))
    for name in ('occlum', 'occlum-build', 'sgx2emu'):
        place = next(path for path in (os.path.join(BUILD, 'src', 'cli', name), os.path.join(BUILD, 'emulator', name)) if os.path.exists(path))
        shutil.copy(place, os.path.join(planted, 'bin', name))
    shutil.copy(os.path.join(BUILD, 'tests', 'e2e', 'libocclum-libos-planted.so'), os.path.join(planted, 'lib', 'occlum', 'libocclum-libos.so'))
    real, world.occlum = world.occlum, os.path.join(planted, 'bin', 'occlum')
    try:
        world.build()
        for seed in range(60):
            try:
                judge(world.run('replace', 3 * seed), 'planted')
            except Failure as failure:
                # WRONG, or another end that only a page taken for data explains, such as a dynamic linker that finds no symbols.
                expect('hangs' not in str(failure), f'caught for another reason: {failure}')
                print(f'# caught with seed {3 * seed}: {str(failure).splitlines()[0]}')
                return
        raise Failure('60 runs did not catch the planted acceptor: the runner is blind')
    finally:
        world.occlum = real
        world.build()


for kind, (name, _) in KINDS.items():
    def case(world, kind=kind):
        ends = tried(world, kind, RUNS)
        print(f'# {kind}: {ends}')
        expect(ends['acted'] * 2 >= RUNS, f'the script acted in only {ends["acted"]} of {RUNS} runs')
    group.add(f'{name}, at {RUNS} random moments', case)


if __name__ == '__main__':
    group.main(World)
