#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""`occlum gdb`: symbols of programs and of the library OS, breakpoints in both."""
import shutil

from harness import OCCLUM, Group, Instance, Skip, clean_environment, compile_program, expect, expect_contains, expect_output, occlum, run_command

group = Group()


def setup():
    if not shutil.which('gdb'):
        return None
    instance = Instance('gdb')
    # With symbols, which the harness's own programs do without.
    instance.compile('debugged', flags=['-g3', '-O0'])
    # A file of the same name elsewhere is not taken for it.
    instance.pack(f'{compile_program("hello")}=/opt/debugged')
    instance.build()
    return instance


def gdb(instance, *commands):
    """What gdb says to the commands, which it takes from its standard input."""
    if instance is None:
        raise Skip('gdb is not installed')
    text = ''.join(command + '\n' for command in ('set confirm off', 'set pagination off', 'set width 0', *commands, 'kill', 'quit'))
    return run_command([OCCLUM, 'gdb', '/bin/debugged'], cwd=instance.folder, env=clean_environment({'TERM': 'dumb', 'DEBUGINFOD_URLS': ''}), stdin=text)


@group.case('a program runs to its end under it')
def _(instance):
    expect_contains(gdb(instance, 'run'), 'inside 3\n', 'exited with code 03')


@group.case('a conditional breakpoint in the program: frames, variables, stepping')
def _(instance):
    result = gdb(instance, 'break depth if n == 1', 'run', 'backtrace', 'print n + 100', 'up 3', 'print text', 'delete', 'finish', 'continue')
    expect_contains(result, 'depth (n=1)', 'depth (n=3)', 'main () at', '$1 = 101', '$2 = "inside"', 'exited with code 03')


@group.case('a breakpoint in the library OS')
def _(instance):
    result = gdb(instance, 'break debugged.c:main', 'run', 'break sys_write', 'continue', 'backtrace 1', 'delete', 'continue')
    expect_contains(result, 'sys_write (fd=1', 'exited with code 03')


@group.case('refused without a program, without a build, and for an enclave of SGX')
def _(instance):
    if instance is None:
        raise Skip('gdb is not installed')
    expect(occlum('gdb', cwd=instance.folder).status == 2, 'not refused')
    expect_output(occlum('gdb', '/bin/debugged', cwd='/'), '', 1)
    instance.build('--sgx-mode', 'HW', '--enable-edmm', 'Y')
    result = occlum('gdb', '/bin/debugged', cwd=instance.folder)
    expect(result.status == 1 and 'SGX_MODE=SIM' in result.errors, 'not refused', result)


if __name__ == '__main__':
    group.main(setup)
