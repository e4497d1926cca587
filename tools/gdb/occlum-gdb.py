# SPDX-License-Identifier: BSD-3-Clause
"""Debugging programs inside an enclave in simulation, with symbols of the library OS and of the programs.

    gdb -x tools/gdb/occlum-gdb.py --args occlum run /bin/program      in the folder of an instance built with SGX_MODE=SIM

What the library OS maps executable is looked up in image/, and its symbols come at that moment. Code of programs is
brought in page by page, over what a debugger wrote there: so breakpoints in programs are hardware breakpoints, four at
most. `occlum-program` stops where the first program begins.
"""
import os
import struct

import gdb

PAGE = 4096
PT_LOAD, PF_X = 1, 1
loaded = {}  # first address -> (end, file)


def quietly(command):
    return gdb.execute(command, to_string=True)


def value(expression):
    return gdb.parse_and_eval(expression)


def executable_segments(path):
    """(offset, address, size) of each executable PT_LOAD of an ELF file."""
    with open(path, 'rb') as file:
        head = file.read(64)
        if head[:5] != b'\x7fELF\x02':
            return []
        table, = struct.unpack_from('<Q', head, 32)
        size, count = struct.unpack_from('<HH', head, 54)
        file.seek(table)
        entries = [struct.unpack_from('<IIQQQQQQ', file.read(size)) for _ in range(count)]
    return [(offset, address, length) for kind, flags, offset, address, _, length, _, _ in entries if kind == PT_LOAD and flags & PF_X]


def forget(start, end):
    """Another program has these addresses now."""
    for first, (last, path) in list(loaded.items()):
        if first < end and start < last:
            quietly(f'remove-symbol-file -a {first:#x}')
            del loaded[first]


def host_file(path):
    """The file of the image by its path inside, links followed inside the image."""
    root = os.path.realpath('image')
    for _ in range(40):
        here = os.path.join(root, path.lstrip('/'))
        if not os.path.islink(here):
            return here
        link = os.readlink(here)
        path = link if link.startswith('/') else os.path.join('/', os.path.relpath(os.path.dirname(here), root), link)
    return None


class Mapped(gdb.Breakpoint):
    """gatemap_told(path, offset, start, end): pages of a file become executable."""

    def __init__(self):
        super().__init__('gatemap_told', internal=True)
        self.silent = True

    def stop(self):
        try:
            self.look()
        except (gdb.error, OSError, ValueError) as error:
            gdb.write(f'occlum-gdb: no symbols: {error}\n', gdb.STDERR)
        return False

    def look(self):
        text = gdb.lookup_type('char').pointer()
        offset, start, end = (int(value(f'${name}')) for name in ('rsi', 'rdx', 'rcx'))
        path = host_file(value('$rdi').cast(text).string())
        for segment_offset, address, _ in executable_segments(path) if path and os.path.isfile(path) else []:
            if segment_offset // PAGE * PAGE == offset:
                bias = start - address // PAGE * PAGE
                forget(start, end)
                quietly(f'add-symbol-file {path} -o {bias:#x}')
                quietly(f'mem {start:#x} {end:#x} ro')
                loaded[start] = (end, path)


class Entered(gdb.Breakpoint):
    """The enclave is in place and not yet entered: the library OS's symbols, then word of every mapping."""

    def __init__(self):
        super().__init__('threads_run_first', internal=True)
        self.silent = True
        self.done = False

    def stop(self):
        if not self.done:
            self.done = True
            libos = os.path.join(os.path.dirname(gdb.current_progspace().filename), '..', 'libos', 'libocclum-libos.so')
            installed = os.path.join(os.path.dirname(gdb.current_progspace().filename), '..', 'lib', 'occlum', 'libocclum-libos.so')
            quietly(f'add-symbol-file {libos if os.path.exists(libos) else installed} -o {int(value("sim_layout.image_start")):#x}')
            Mapped()
        return False


class Program(gdb.Command):
    """Stop where the next program begins: its symbols are there, its dynamic linker has not run yet."""

    def __init__(self):
        super().__init__('occlum-program', gdb.COMMAND_RUNNING)

    def invoke(self, argument, from_tty):
        quietly('tbreak thread_return_to_user')
        gdb.write('The program begins where the next breakpoint stops.\n')


quietly('set breakpoint pending on')
quietly('set print thread-events off')
# It goes by %fs, which is the program's.
quietly('set libthread-db-search-path /none')
quietly('set mem inaccessible-by-default off')
quietly('set trust-readonly-sections on') # code that was not brought in yet is read from its file
# The library OS lives by these: pages that come at their first touch, system calls, interrupts.
quietly('handle SIGSEGV SIGBUS SIGILL SIGSYS SIGFPE SIG39 nostop noprint pass')
Entered()
Program()
