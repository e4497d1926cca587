#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The bases of %fs and %gs, where the kernel offers instructions for them and where it does not (OCCLUM_NO_FSGSBASE)."""
import os
import random
import re
import shutil
import subprocess
import time

from harness import BUILD, OCCLUM, RUN_TIMEOUT, Failure, Group, Instance, Skip, clean_environment, expect, expect_output, kill_group, run_command, scratch

group = Group()
RUNS = int(os.environ.get('OCCLUM_BASES_RUNS', '6'))  # of each way; the busy program runs a second each time
BASE_INSTRUCTION = re.compile(rb'\xf3[\x40-\x4f]?\x0f\xae[\xc0-\xdf]')  # RD/WR FS/GS BASE with a register (SDM volume 2)
HWCAP2_FSGSBASE = 2
WAYS = {'as the kernel offers': '0', 'without FSGSBASE': '1'}


def setup():
    instance = Instance('moved')
    instance.compile('bases', 'handler', 'sync')
    instance.build()
    return instance


def move_about(process, cpus):
    """Ties each thread to one processor after the other, as taskset from outside, until the process ends."""
    moves = 0
    while process.poll() is None:
        try:
            for task in os.listdir(f'/proc/{process.pid}/task'):
                os.sched_setaffinity(int(task), {random.choice(cpus)})
                moves += 1
        except (FileNotFoundError, ProcessLookupError):
            pass  # a thread ended meanwhile
        time.sleep(0.004)
    return moves


def busy(instance, hidden):
    cpus = sorted(os.sched_getaffinity(0))
    process = subprocess.Popen([OCCLUM, 'run', '/bin/bases', '8', '1000'], cwd=instance.folder, env=clean_environment({'OCCLUM_NO_FSGSBASE': hidden}),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0, start_new_session=True)
    try:
        begun = process.stdout.readline()
        moves = move_about(process, cpus)
        rest, _ = process.communicate(timeout=RUN_TIMEOUT)
    finally:
        kill_group(process)
    output = (begun + rest).decode('utf-8', 'backslashreplace')
    expect(process.returncode == 0 and output == 'begun\n0 wrong\n', f'status {process.returncode}, {output!r}')
    return moves


@group.case('a wrong base is noticed (the judge can find one)')
def _(instance):
    result = instance.run('/bin/bases', '3', '20', 'spoil')
    expect(result.status == 1 and result.text == 'begun\n3 wrong\n', 'three wrong looks were not told', result)


for way, switch in WAYS.items():
    def several(instance, switch=switch):
        moves = sum(busy(instance, switch) for _ in range(RUNS))
        expect(moves >= RUNS, f'the threads were moved {moves} times in {RUNS} runs')
    group.add(f'8 busy threads moved between processors, {RUNS} runs, {way}', several)


def without_instructions(path):
    """Each instruction on a base becomes UD2, so that executing it is seen. Returns how many there were."""
    with open(path, 'rb') as file:
        code = file.read()
    changed, count = BASE_INSTRUCTION.subn(lambda match: b'\x0f\x0b' + b'\x90' * (len(match.group()) - 2), code)
    with open(path, 'wb') as file:
        file.write(changed)
    return count


def count_in(path):
    listing = run_command(['objdump', '-d', path]).text
    return len(re.findall(r'\t(?:rd|wr)[fg]sbase\b', listing))


class Patched:
    """A copy of the loader and of the instance's enclave in which no instruction on a base can be executed unseen."""

    def __init__(self, instance):
        if os.environ.get('OCCLUM_E2E_PLATFORM', 'sim') != 'sim':
            raise Skip('a changed enclave starts in simulation only')
        self.folder = os.path.join(scratch(), 'patched')
        self.program = os.path.join(scratch(), 'patched-bin', 'occlum')
        if os.path.isdir(self.folder):
            return
        os.makedirs(os.path.dirname(self.program))
        shutil.copy(os.path.realpath(OCCLUM), self.program)
        shutil.copytree(instance.folder, self.folder, symlinks=True)
        enclave = os.path.join(self.folder, 'build', 'lib', 'libocclum-libos.signed.so')
        for path, original in ((self.program, os.path.realpath(OCCLUM)), (enclave, os.path.join(BUILD, 'src', 'libos', 'libocclum-libos.so'))):
            expected, found = count_in(original), without_instructions(path)
            if expected == 0 or found != expected:
                raise Failure(f'{path}: {found} instructions on bases were replaced, objdump tells {expected}')

    def run(self, hidden, *arguments):
        env = clean_environment({'OCCLUM_NO_FSGSBASE': hidden})
        return run_command([self.program, 'run', *arguments], cwd=self.folder, env=env)


def kernel_offers():
    with open('/proc/self/auxv', 'rb') as file:
        words = memoryview(file.read()).cast('Q')
    return any(words[i] == 26 and words[i + 1] & HWCAP2_FSGSBASE for i in range(0, len(words), 2))  # AT_HWCAP2


@group.case('an instruction on a base is noticed (the judge can find one)')
def _(instance):
    if not kernel_offers():
        raise Skip("this machine's kernel offers no such instruction")
    result = Patched(instance).run('0', '/bin/bases', '1', '1')
    expect(result.status != 0, 'a loader whose instructions on bases are all UD2 worked', result)


@group.case('without FSGSBASE none is executed: threads, handlers, mutexes')
def _(instance):
    patched = Patched(instance)
    expect_output(patched.run('1', '/bin/bases', '8', '200'), 'begun\n0 wrong\n')
    for program in ('/bin/handler', '/bin/sync'):
        result = patched.run('1', program)
        expect(result.status == 0 and result.out == instance.run(program).out, f'{program} differs', result)


if __name__ == '__main__':
    group.main(setup)
