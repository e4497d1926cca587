#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""System calls that no libc makes reach the LibOS; none of the program's own reaches the host kernel."""
import os
import re
import shutil

from harness import OCCLUM, PLATFORM, Group, Instance, Skip, clean_environment, compile_program, expect, expect_output, expect_status, run_command, scratch

group = Group()


def setup():
    # Only a debuggable enclave has a log.
    instance = Instance('raw', **{'metadata.debuggable': True})
    instance.compile('raw_syscall', 'jit_syscall', 'hello')
    instance.build()
    return instance


RAW = 'getpid agrees: yes\npid {}\n9999: -38\nbad pointer: -14\nbad descriptor: -9\nwritten\n'
JIT = 'write, then execute: pid agrees yes, 9998 gives -38\nboth at once: '


@group.case('syscall instructions in the program\'s text')
def _(instance):
    result = instance.run('/bin/raw_syscall')
    pid = re.search(r'pid (\d+)\n', result.text)
    expect(pid and int(pid.group(1)) < 100, 'the pid is not one of the LibOS', result)
    expect_output(result, RAW.format(pid.group(1)), 6)


@group.case('syscall instructions in memory that was made executable')
def _(instance):
    result = instance.run('/bin/jit_syscall')
    expect_status(result, 0)
    expect(result.text.startswith(JIT), 'wrong results', result)
    expect(result.text[len(JIT):] in ('refused\n', 'pid agrees yes, 9998 gives -38\n'), 'wrong results', result)


@group.case('an unknown call is named once in the log')
def _(instance):
    result = instance.run('/bin/raw_syscall', env={'OCCLUM_LOG_LEVEL': 'debug'})
    expect_status(result, 6)
    expect(len([line for line in result.errors.splitlines() if '9999' in line]) == 1, 'not once', result)


@group.case('OCCLUM_LOG_LEVEL=debug tells rewritten and trapping system calls of each ELF file')
def _(instance):
    result = instance.run('/bin/hello', env={'OCCLUM_LOG_LEVEL': 'debug'})
    expect_output(result, 'Hello, world!\n')
    expect('libc.so.6' in result.errors and 'rewritten' in result.errors and 'trap' in result.errors, 'no counts', result)


def trace(instance, program):
    """Runs a program under strace; returns the numbers and names of the system calls that the host kernel saw."""
    if not shutil.which('strace'):
        raise Skip('no strace on this machine')
    log = os.path.join(scratch(), 'strace')
    result = run_command(['strace', '-f', '-X', 'verbose', '-n', '-o', log, OCCLUM, 'run', program], cwd=instance.folder, env=clean_environment())
    if not os.path.exists(log) or 'ptrace' in result.errors and 'not permitted' in result.errors:
        raise Skip('strace may not trace here')
    with open(log, encoding='utf-8', errors='replace') as file:
        return result, file.read()


@group.case('the tracer sees a raw call where there is no LibOS (it can find one)')
def _(instance):
    if not shutil.which('strace'):
        raise Skip('no strace on this machine')
    log = os.path.join(scratch(), 'strace-native')
    run_command(['strace', '-f', '-n', '-o', log, os.path.join(instance.image, 'bin/raw_syscall')])
    with open(log, encoding='utf-8', errors='replace') as file:
        expect('9999' in file.read(), 'strace shows no call 9999 of the native program')


# With Syscall User Dispatch the kernel turns a trapped instruction into SIGSYS; strace may show the entry of such a
# call, but never a result: the call was not carried out.
def executed(log, number):
    return [line for line in log.splitlines() if re.search(rf'\[\s*{number}\]|0x{number:x}\b|_{number}\b', line) and re.search(r'= (-?\d+|0x\w+)', line)
            and 'SIGSYS' not in line and '= ?' not in line]


@group.case('raw calls do not reach the host kernel')
def _(instance):
    result, log = trace(instance, '/bin/raw_syscall')
    expect_status(result, 6)
    expect(not executed(log, 9999), 'the host saw 9999:\n' + '\n'.join(executed(log, 9999)))


@group.case('calls of generated code do not reach the host kernel')
def _(instance):
    result, log = trace(instance, '/bin/jit_syscall')
    expect_status(result, 0)
    expect(not executed(log, 9998), 'the host saw 9998:\n' + '\n'.join(executed(log, 9998)))


@group.case('the host sees no execve but its own')
def _(instance):
    _, log = trace(instance, '/bin/hello')
    calls = [line for line in log.splitlines() if re.search(r'\bexecve\(', line)]
    expect(len(calls) == 1, 'execve calls:\n' + '\n'.join(calls))


def denied(instance, what):
    deny = compile_program('deny')
    return run_command([deny, what, OCCLUM, 'run', '/bin/raw_syscall'], cwd=instance.folder, env=clean_environment())


@group.case('a kernel without Syscall User Dispatch: a seccomp filter keeps raw calls inside')
def _(instance):
    if PLATFORM != 'sim':
        raise Skip('simulation only')
    result = denied(instance, 'sud')
    expect(result.status == 6 and '9999: -38' in result.text, 'the raw calls were not served', result)


@group.case('a sandbox with neither: refused in one line')
def _(instance):
    if PLATFORM != 'sim':
        raise Skip('simulation only')
    result = denied(instance, 'both')
    expect(result.status == 125 and len(result.errors.splitlines()) == 1 and 'Syscall User Dispatch' in result.errors, 'no refusal of one line', result)


if __name__ == '__main__':
    group.main(setup)
