#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Machines, users and sandboxes: each either works, or is refused in one line that is true and says what helps.

docs/platforms.md has the table. What changes the whole machine (sysctl) runs only with OCCLUM_CHANGE_SYSCTL=1.
"""
import ctypes
import errno
import json
import os
import re
import shutil
import stat

from confine import confine
from harness import (BUILD, OCCLUM, Group, Instance, Skip, clean_environment, compile_program, expect, expect_contains, expect_output,
                     expect_status, limits, must, occlum, run_command, scratch)

group = Group()
HELLO = 'Hello, world!\n'
NOBODY = 65534
SGX2EMU = os.path.join(BUILD, 'bin', 'sgx2emu')
# How each kind of instance is built and run.
KINDS = {'sim': ({'SGX_MODE': 'SIM'}, []), 'emulated': ({'SGX_MODE': 'HW', 'ENABLE_EDMM': 'Y'}, ['--emulate'])}
NAMES = {'sim': 'simulation', 'emulated': 'the emulator'}


class World:
    """One instance of each kind, for all cases, as a newcomer makes it: with the template's sizes."""

    def __init__(self):
        os.chmod(scratch(), 0o755)
        program = compile_program('hello')
        self.of = {}
        for kind, (mode, _) in KINDS.items():
            folder = os.path.join(scratch(), kind)
            expect_status(occlum('new', folder), 0)
            must(['install', '-D', program, folder + '/image/bin/hello'])
            # The libraries by the tool that newcomers use.
            bom = os.path.join(scratch(), 'hello.yaml')
            with open(bom, 'w', encoding='utf-8') as file:
                file.write(f'targets:\n- target: /bin\n  copy:\n  - files: [{program}]\n')
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
            made = {key: value() if callable(value) and key != 'preexec' else value for key, value in options.items()}
            result = world.run(kind, **made)
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
works('hidden CPU features (SHA-NI, AVX-512, AMX)', env={'OCCLUM_HIDE_CPU': 'sha,avx512,amx'})


# Sandboxes.
works("a seccomp filter like Docker's", preexec=lambda: confine(docker=True))
works('no Syscall User Dispatch', kinds=['emulated'], preexec=lambda: confine(denied=[('prctl', 59, errno.EINVAL)]))
works('no ptrace', kinds=['sim'], preexec=lambda: confine(denied=[('ptrace', None, errno.EPERM)]))
refused('no ptrace', 'emulated', r'ptrace.*ptrace_scope.*SYS_PTRACE', preexec=lambda: confine(denied=[('ptrace', None, errno.EPERM)]))


# Limits.
works('no limit of addresses', wrapper=limited('v', 'unlimited'))
for kind_ in KINDS:
    refused('4 GiB of addresses (ulimit -v)', kind_, r'address space: 4096 MiB.*reserves 65536.*ulimit -v unlimited', wrapper=limited('v', 4 << 20))
works('512 MiB of memory (ulimit -d)', wrapper=limited('d', 512 << 10))
refused('40 MiB of memory (ulimit -d)', 'sim', r'memory: 40 MiB by ulimit -d.*ulimit -d unlimited', wrapper=limited('d', 40 << 10))
works('16 open files (ulimit -n)', wrapper=limited('n', 16))
works('a stack of 256 KiB (ulimit -s)', wrapper=limited('s', 256))


# Users and their folders.
works('nobody', needs=nobody_needs, preexec=become_nobody)
works('HOME unset', env={'HOME': None})
works('no environment but PATH', env={'HOME': None, 'LANG': None})
works('another locale', env={'LC_ALL': 'tr_TR.UTF-8', 'LANG': 'de_DE.ISO-8859-1'})
works('no /dev/shm', needs=mounts, wrapper=['unshare', '-m', 'bash', '-c', 'umount -l /dev/shm; mount -t tmpfs -o size=64k none /dev; exec "$@"', 'x'])


if __name__ == '__main__':
    group.main(World)
