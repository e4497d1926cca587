#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Machines, users and sandboxes: each either works, or is refused in one line that is true and says what helps.

docs/platforms.md has the table. What changes the whole machine (sysctl) runs only with OCCLUM_CHANGE_SYSCTL=1.
"""
import errno
import json
import os
import re
import shutil

from confine import confine
from harness import (BUILD, BUILD_TIMEOUT, OCCLUM, Group, Skip, compile_program, expect, expect_contains, expect_output, expect_status, must, occlum,
                     run_command, scratch)

group = Group()
HELLO = 'Hello, world!\n'
NOBODY = 65534
# How each kind of instance is built and run.
KINDS = {'sim': ({'SGX_MODE': 'SIM'}, []), 'emulated': ({'SGX_MODE': 'HW', 'ENABLE_EDMM': 'Y'}, ['--emulate'])}
NAMES = {'sim': 'simulation', 'emulated': 'the emulator'}


class World:
    """One instance of each kind, for all cases, as a newcomer makes it: with the template's sizes."""

    def __init__(self):
        os.chmod(scratch(), 0o755)
        programs = [compile_program('hello'), compile_program('cpus')]
        self.of = {}
        for kind, (mode, _) in KINDS.items():
            folder = os.path.join(scratch(), kind)
            expect_status(occlum('new', folder), 0)
            bom = os.path.join(scratch(), 'programs.yaml')
            with open(bom, 'w', encoding='utf-8') as file:
                file.write(f'targets: [{{target: /bin, copy: [{{files: {json.dumps(programs)}}}]}}]\n')
            must([os.path.join(BUILD, 'bin', 'copy_bom'), '-f', bom, '--root', folder + '/image'])
            expect_status(occlum('build', cwd=folder, env=mode), 0)
            self.of[kind] = folder

    def run(self, kind, *arguments, wrapper=(), env=None, folder=None, program=('/bin/hello',), **options):
        options_of_run = KINDS[kind][1]
        command = [*wrapper, OCCLUM, 'run', *options_of_run, *arguments, *program]
        return run_command(command, cwd=folder or self.of[kind], env=environment(env), **options)


def environment(extra=None):
    """Without what the harness tells occlum; None takes a variable away."""
    env = {'PATH': '/usr/bin:/bin', 'HOME': '/root', 'LANG': 'C.UTF-8', 'OCCLUM_QUIET': '1', **(extra or {})}
    return {name: value for name, value in env.items() if value is not None}


def works(name, kinds=tuple(KINDS), needs=None, **options):
    """Both kinds run under the condition, with nothing to complain of."""
    for kind in kinds:
        def case(world, kind=kind):
            if needs:
                needs()
            result = world.run(kind, **options)
            expect_output(result, HELLO)
            expect(not result.err, 'it complains', result)
        group.add(f'{name}: {NAMES[kind]} runs', case)


def refused(name, kind, wanted, needs=None, **options):
    """One line, which names the cause and what helps; no program runs."""
    def case(world):
        if needs:
            needs()
        is_refused(world.run(kind, **options), wanted)
    group.add(f'{name}: {NAMES[kind]} is refused in a line', case)


def is_refused(result, wanted):
    expect(result.status in (1, 125) and not result.out, 'not refused', result)
    expect(len(result.errors.splitlines()) == 1, 'not one line', result)
    expect(re.search(wanted, result.errors), f'not {wanted}', result)


def root():
    if os.geteuid() != 0:
        raise Skip('needs root')


def mounts():
    root()
    if run_command(['unshare', '-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status != 0:
        raise Skip('needs leave to mount')


def tool(name):
    def check():
        if not shutil.which(name):
            raise Skip(f'{name} is not installed')
    return check


def limited(option, value):
    """A wrapper that sets a limit of the shell."""
    return ['bash', '-c', f'ulimit -{option} {value}; exec "$@"', 'limited']


def mounted(commands):
    """A wrapper that changes mounts, for its command only."""
    return ['unshare', '-m', 'bash', '-c', commands + '; exec "$@"', 'mounted']


def become_nobody():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def nobody_needs():
    root()
    if run_command([OCCLUM, '--version'], preexec=become_nobody).status != 0:
        raise Skip('another user cannot reach the build folder')


# Processors.
works('one CPU', wrapper=['taskset', '-c', '0'])
works('CPU features that libc may not use', env={'GLIBC_TUNABLES': 'glibc.cpu.hwcaps=-AVX2_Usable,-AVX_Usable,-AVX512F_Usable,-ERMS,-SSE4_2,-SSSE3'})
works('no SHA-NI', env={'OCCLUM_NO_SHA': '1'})


@group.case('the library OS and its programs know how many CPUs there are, and whether there is SHA-NI')
def _(world):
    with open('/proc/cpuinfo', encoding='utf-8') as file:
        sha = 'yes' if ' sha_ni' in file.read() else 'no'
    count = len(os.sched_getaffinity(0))
    for kind in KINDS:
        for wrapper, env, wanted in (((), {}, f'usable {count}, listed {count}, SHA-NI {sha}\n'), (['taskset', '-c', '0'], {}, f'usable 1, listed 1, SHA-NI {sha}\n'),
                                     ((), {'OCCLUM_NO_SHA': '1'}, f'usable {count}, listed {count}, SHA-NI no\n')):
            # On the emulator both processes are on one CPU (--pin), so one is the answer there.
            if kind == 'emulated':
                wanted = re.sub(r'usable \d+, listed \d+', 'usable 1, listed 1', wanted)
            expect_output(world.run(kind, wrapper=wrapper, env=env, program=['/bin/cpus']), wanted)


@group.case('more than 1024 CPUs: the kernel refuses smaller sets, and the number is right')
def _(world):
    count = len(os.sched_getaffinity(0))
    small = [('sched_getaffinity', (1, size), errno.EINVAL) for size in (8, 128, 256, 512)]
    result = world.run('sim', preexec=lambda: confine(denied=small), program=['/bin/cpus'])
    expect(result.text.startswith(f'usable {count}, listed {count},'), 'another number', result)


# Sandboxes.
works("a seccomp filter like Docker's", preexec=lambda: confine(docker=True))
works('no FSGSBASE', env={'OCCLUM_NO_FSGSBASE': '1'})
NO_DISPATCH = ('prctl', (0, 59), errno.EINVAL)
works('no Syscall User Dispatch', preexec=lambda: confine(denied=[NO_DISPATCH]))
refused('neither Syscall User Dispatch nor seccomp filters', 'sim', r'Syscall User Dispatch|seccomp',
        preexec=lambda: confine(denied=[NO_DISPATCH, ('seccomp', None, errno.EPERM)]))
refused('no seccomp filters', 'emulated', r'seccomp.*What helps', preexec=lambda: confine(denied=[('seccomp', None, errno.EPERM)]))
works('no ptrace', kinds=['sim'], preexec=lambda: confine(denied=[('ptrace', None, errno.EPERM)]))
refused('no ptrace', 'emulated', r'ptrace.*ptrace_scope.*SYS_PTRACE', preexec=lambda: confine(denied=[('ptrace', None, errno.EPERM)]))


GVISOR = ['runsc', '--network=none', 'do']


def gvisor():
    root()
    if not shutil.which('runsc') or run_command([*GVISOR, '/bin/true']).status != 0:
        raise Skip('runsc (gVisor) is not installed, or does not run here')


refused('gVisor', 'sim', r'bases of %fs and %gs: .*arch_prctl', needs=gvisor, wrapper=GVISOR)
refused('gVisor', 'emulated', r'gVisor.*outside of that sandbox', needs=gvisor, wrapper=GVISOR)
refused('valgrind', 'sim', r'are not free.*valgrind', needs=tool('valgrind'), wrapper=['valgrind', '-q'])
works('valgrind', kinds=['emulated'], needs=tool('valgrind'), wrapper=['valgrind', '-q'])


# Limits.
works('no limit of addresses', wrapper=limited('v', 'unlimited'))
for kind_ in KINDS:
    refused('4 GiB of addresses (ulimit -v)', kind_, r'address space: 4096 MiB.*reserves 16777216.*ulimit -v unlimited', wrapper=limited('v', 4 << 20))
works('512 MiB of memory (ulimit -d)', kinds=['sim'], wrapper=limited('d', 512 << 10))
works('4 GiB of memory (ulimit -d)', wrapper=limited('d', 4 << 20))
refused('128 MiB of memory (ulimit -d)', 'emulated', r'ulimit -d unlimited', wrapper=limited('d', 128 << 10))
refused('40 MiB of memory (ulimit -d)', 'emulated', r'ulimit -d unlimited', wrapper=limited('d', 40 << 10))
refused('40 MiB of memory (ulimit -d)', 'sim', r'memory: 40 MiB by ulimit -d.*ulimit -d unlimited', wrapper=limited('d', 40 << 10))
works('16 open files (ulimit -n)', wrapper=limited('n', 16))
works('a stack of 256 KiB (ulimit -s)', wrapper=limited('s', 256))


# Users and their folders.
works('HOME unset', env={'HOME': None})
works('no environment but PATH', env={'HOME': None, 'LANG': None})
works('another locale', env={'LC_ALL': 'tr_TR.UTF-8', 'LANG': 'de_DE.ISO-8859-1'})
works('no /dev/shm', needs=mounts, wrapper=mounted('umount -l /dev/shm; mount -t tmpfs -o size=64k none /dev'))
works('no processes to spare (ulimit -u)', needs=nobody_needs, wrapper=limited('u', 64), preexec=become_nobody)


@group.case('nobody in a folder of its own, with spaces and UTF-8 in its name: new, build, run, both kinds')
def _(world):
    nobody_needs()
    place = os.path.join(scratch(), 'a folder ünd ☃')
    os.mkdir(place)
    os.chown(place, NOBODY, NOBODY)
    for kind, (mode, _) in KINDS.items():
        env = environment({**mode, 'HOME': place, 'LC_ALL': 'C'})
        folder = os.path.join(place, f'my {kind} instance')
        expect_status(run_command([OCCLUM, 'new', folder], cwd=place, env=env, preexec=become_nobody), 0)
        must(['cp', '-rT', world.of[kind] + '/image', folder + '/image'])
        must(['chown', '-R', f'{NOBODY}:{NOBODY}', folder])
        expect_status(run_command([OCCLUM, 'build'], cwd=folder, env=env, preexec=become_nobody, timeout=BUILD_TIMEOUT), 0)
        expect_output(world.run(kind, folder=folder, env={'HOME': place}, preexec=become_nobody), HELLO)


@group.case('a home folder that is read-only: a build without a key says so and names --sign-key; with one it works')
def _(world):
    nobody_needs()
    folder, home = os.path.join(scratch(), 'readonly-home'), os.path.join(scratch(), 'home')
    os.mkdir(home, 0o555)
    shutil.copytree(world.of['sim'], folder, symlinks=True)
    must(['chown', '-R', f'{NOBODY}:{NOBODY}', folder])
    env = environment({'SGX_MODE': 'SIM', 'HOME': home})
    result = run_command([OCCLUM, 'build', '-f'], cwd=folder, env=env, preexec=become_nobody, timeout=BUILD_TIMEOUT)
    is_refused(result, r'--sign-key|HOME')
    expect_output(world.run('sim', folder=folder, env={'HOME': home}, preexec=become_nobody), HELLO)


for kind_ in KINDS:
    for option in ('ro', 'noexec'):
        def on_mount(world, kind=kind_, option=option):
            mounts()
            script = f'mount -t tmpfs none /mnt && cp -a {world.of[kind]} /mnt/instance && mount -o remount,{option} /mnt && cd /mnt/instance && exec "$@"'
            expect_output(world.run(kind, wrapper=['unshare', '-m', 'bash', '-c', script, 'x']), HELLO)
        group.add(f'an instance on a {option} mount: {NAMES[kind_]} runs', on_mount)


@group.case('a build on a read-only mount is refused in a line')
def _(world):
    mounts()
    script = f'mount -t tmpfs none /mnt && cp -a {world.of["sim"]} /mnt/instance && mount -o remount,ro /mnt && cd /mnt/instance && exec "$@"'
    is_refused(run_command(['unshare', '-m', 'bash', '-c', script, 'x', OCCLUM, 'build', '-f'], env=environment({'SGX_MODE': 'SIM'})), 'Read-only file system')


# No /proc.
works('no /proc', kinds=['sim'], needs=mounts, wrapper=mounted('umount -l /proc'))
refused('no /proc', 'emulated', 'mount -t proc', needs=mounts, wrapper=mounted('umount -l /proc'))


# Low addresses. What a security module may do is imitated by a filter; the real switch is of the whole machine.
no_low_addresses = lambda: confine(denied=[('mmap', (0, 0x10000), errno.EPERM)])  # noqa: E731
for kind_ in KINDS:
    refused('64 KiB may not be mapped', kind_, r'low addresses: 64 KiB cannot be mapped: Operation not permitted.*What helps', preexec=no_low_addresses)


class Sysctl:
    """A switch of the whole machine, put back whatever happens."""

    def __init__(self, name, value):
        root()
        if os.environ.get('OCCLUM_CHANGE_SYSCTL') != '1':
            raise Skip('changes the whole machine: OCCLUM_CHANGE_SYSCTL=1 permits it')
        self.path, self.value = os.path.join('/proc/sys', name.replace('.', '/')), value

    def write(self, value):
        with open(self.path, 'w', encoding='utf-8') as file:
            file.write(str(value))

    def __enter__(self):
        with open(self.path, encoding='utf-8') as file:
            self.before = file.read().strip()
        try:
            self.write(self.value)
        except OSError as error:
            raise Skip(f'{self.path}: {error}') from None

    def __exit__(self, *_):
        self.write(self.before)


@group.case('vm.mmap_min_addr above 64 KiB: root runs, others are refused in a line')
def _(world):
    with Sysctl('vm.mmap_min_addr', 1 << 20):
        for kind in KINDS:
            expect_output(world.run(kind), HELLO)
            is_refused(world.run(kind, preexec=become_nobody), r'vm.mmap_min_addr is 1048576.*vm.mmap_min_addr=65536')


@group.case('vm.overcommit_memory=2: both kinds run')
def _(world):
    with Sysctl('vm.overcommit_memory', 2):
        for kind in KINDS:
            expect_output(world.run(kind), HELLO)


@group.case('status: a line for each requirement, the same in JSON; what lacks is told with what helps, and is no error')
def _(world):
    folder = world.of['sim']
    text = run_command([OCCLUM, 'status'], cwd=folder, env=environment())
    expect_status(text, 0)
    expect_contains(text, 'bases of %fs and %gs', 'syscalls are caught', 'low addresses', 'address space', 'CPUs', 'the emulator', 'SGX', 'EDMM')
    result = run_command([OCCLUM, 'status', '--json'], cwd=folder, env=environment())
    expect_status(result, 0)
    told = json.loads(result.text)
    expect(told['runs'] and told['built'] and told['platform'] == 'sim', 'it does not run', result)
    for requirement in told['requirements']:
        expect(requirement['met'] == (not requirement['helps']) and requirement['found'], f'{requirement}', result)
        expect(requirement['found'] in text.text, f'{requirement}', text)
    limited_ = run_command([*limited('v', 4 << 20), OCCLUM, 'status', '--json'], cwd=folder, env=environment())
    expect_status(limited_, 0)
    told = json.loads(limited_.text)
    expect(not told['runs'] and [r['name'] for r in told['requirements'] if r['needed'] and not r['met']] == ['address_space'], 'not the limit', limited_)
    limited_ = run_command([*limited('v', 4 << 20), OCCLUM, 'status'], cwd=folder, env=environment())
    expect_contains(limited_, 'is refused', 'LACKING; what helps: ulimit -v unlimited')
    nowhere = run_command([OCCLUM, 'status'], cwd='/', env=environment())
    expect(nowhere.status == 1 and 'random numbers' in nowhere.text, 'nothing of the machine', nowhere)


if __name__ == '__main__':
    group.main(World)
