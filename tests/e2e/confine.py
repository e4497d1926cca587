#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs a command under a seccomp filter, as containers and hardened services do.

usage: confine.py [--docker] [--deny CALL[:ARGUMENT:VALUE]=ERRNO]... -- COMMAND...

  --docker   refuse what Docker's default profile refuses to a container without capabilities (docs.docker.com, "Seccomp
             security profiles for Docker", and the profile's list of calls): EPERM, and ENOSYS for clone3
  --deny     refuse one call, or one whose argument (0 to 5) has that value (its lower half): ptrace=EPERM, prctl:0:59=EINVAL
"""
import ctypes
import errno
import os
import re
import struct
import sys

NUMBERS = '/usr/include/x86_64-linux-gnu/asm/unistd_64.h'
# What needs a capability or is never permitted; names that this machine's headers do not know are left out.
DOCKER_REFUSES = '''acct add_key bpf clock_adjtime clock_settime create_module delete_module fanotify_init finit_module fsconfig fsmount fsopen fspick
get_kernel_syms get_mempolicy init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie
mbind mount mount_setattr move_mount move_pages nfsservctl open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_madvise
process_vm_readv process_vm_writev query_module quotactl quotactl_fd reboot request_key set_mempolicy setdomainname sethostname setns settimeofday
swapoff swapon sysfs syslog _sysctl umount2 unshare uselib userfaultfd ustat vhangup vm86 vm86old'''.split()
CLONE_NAMESPACES = 0x7e020000
AUDIT_ARCH_X86_64 = 0xc000003e
LOAD, JUMP_EQUAL, JUMP_SET, JUMP_GREATER, RETURN = 0x20, 0x15, 0x45, 0x25, 0x06
ALLOW, ERRNO, KILL = 0x7fff0000, 0x00050000, 0x80000000
AT_NUMBER, AT_ARCH, AT_ARGUMENT = 0, 4, 16
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2


def numbers():
    with open(NUMBERS, encoding='utf-8') as file:
        return {name: int(number) for name, number in re.findall(r'#define __NR_(\w+) (\d+)', file.read())}


def instruction(code, value, if_true=0, if_false=0):
    return struct.pack('<HBBI', code, if_true, if_false, value)


def refuse(number, error, argument=None, jump=JUMP_EQUAL):
    """Instructions that refuse a call, with the number loaded before and after. argument: (which, value) or None."""
    answer = instruction(RETURN, ERRNO | error)
    if argument is None:
        return instruction(JUMP_EQUAL, number, 0, 1) + answer
    return (instruction(JUMP_EQUAL, number, 0, 4) + instruction(LOAD, AT_ARGUMENT + 8 * argument[0]) + instruction(jump, argument[1], 0, 1) +
            answer + instruction(LOAD, AT_NUMBER))


def program(docker, denied):
    """The filter. denied: (name, (argument, value) or None, errno) each."""
    known = numbers()
    code = (instruction(LOAD, AT_ARCH) + instruction(JUMP_EQUAL, AUDIT_ARCH_X86_64, 1, 0) + instruction(RETURN, KILL) +
            instruction(LOAD, AT_NUMBER))
    if docker:
        code += b''.join(refuse(known[name], errno.EPERM) for name in DOCKER_REFUSES if name in known)
        code += refuse(known['clone3'], errno.ENOSYS) + refuse(known['clone'], errno.EPERM, (0, CLONE_NAMESPACES), JUMP_SET)
        code += instruction(JUMP_GREATER, max(known.values()), 0, 1) + instruction(RETURN, ERRNO | errno.EPERM)
    code += b''.join(refuse(known[name], error, argument) for name, argument, error in denied)
    return code + instruction(RETURN, ALLOW)


def confine(docker=False, denied=()):
    """Puts this process and its children under the filter, for good."""
    code = program(docker, denied)
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(code)
    head = struct.pack('<HxxxxxxQ', len(code) // 8, ctypes.addressof(buffer))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.create_string_buffer(head), 0, 0):
        raise OSError(ctypes.get_errno(), 'prctl')


def parse(text):
    call, _, error = text.partition('=')
    name, *argument = call.split(':')
    return name, tuple(int(word, 0) for word in argument) or None, getattr(errno, error)


def main(arguments):
    docker, denied = False, []
    while arguments and arguments[0] != '--':
        option = arguments.pop(0)
        if option == '--docker':
            docker = True
        elif option == '--deny' and arguments:
            denied.append(parse(arguments.pop(0)))
        else:
            sys.exit(__doc__)
    confine(docker, denied)
    os.execvp(arguments[1], arguments[1:])


if __name__ == '__main__':
    main(sys.argv[1:])
