#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The loader's code that may run with the program's %fs, and the instructions on bases of %fs and %gs.

usage: check_served.py SOURCE_ROOT ARCHIVE PROGRAM
ARCHIVE: the objects that serve host calls (src/loader/meson.build, served_lib). PROGRAM: occlum as it is linked.
"""
import os
import re
import subprocess
import sys
import tempfile
import tomllib

INSTRUCTION = re.compile(r'\s*[0-9a-f]+:\s+(.+?)\s*$')
FUNCTION = re.compile(r'[0-9a-f]+ <(.+)>:$')
BASE_INSTRUCTION = re.compile(r'(?:rd|wr)[fg]sbase\b')


def tool(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout


def instructions(path):
    """(function, instruction) of all code in an object, archive or program."""
    function = '?'
    for line in tool('objdump', '-d', '-M', 'intel', '--no-show-raw-insn', path).splitlines():
        head = FUNCTION.match(line)
        if head:
            function = head.group(1)
        elif match := INSTRUCTION.match(line):
            yield function, match.group(1)


def thread_local(path, rules):
    """Accesses through %fs: thread-local variables, and the canary of a stack protector."""
    return [f'{instruction} in {function}' for function, instruction in instructions(path)
            if 'fs:' in instruction and function not in rules['fs_readers']]


def libc_calls(path, rules):
    """Symbols the objects take from elsewhere, but for those that rules name."""
    defined, wanted = set(), set()
    for line in tool('nm', path).splitlines():
        fields = line.split()
        if len(fields) >= 2 and fields[-2] in 'UvwV':
            wanted.add(fields[-1])
        elif len(fields) == 3:
            defined.add(fields[-1])
    return [f'{name} is neither its own nor one of those allowed' for name in sorted(wanted - defined - set(rules['outside']))]


def base_instructions(path, rules):
    return [f'{instruction} in {function}' for function, instruction in instructions(path)
            if BASE_INSTRUCTION.match(instruction) and function not in rules['base_functions']]


# name, check, source, compiler arguments, what the report must hold
PLANTED = [
    ('a thread-local variable', thread_local, '__thread int x; int served(void) { return x; }', ['-c'], 'fs:'),
    ('a stack protector', thread_local, 'void fill(char *); void served(void) { char a[64]; fill(a); }', ['-c', '-fstack-protector-all'], 'fs:'),
    ('errno', libc_calls, '#include <errno.h>\nint served(void) { return errno; }', ['-c'], '__errno_location'),
    ('a call of libc', libc_calls, 'int usleep(unsigned); int served(void) { return usleep(1); }', ['-c'], 'usleep'),
    ('wrfsbase', base_instructions, 'int main(void) { __asm__ volatile("wrfsbase %0" :: "r"(0ul)); }', [], 'wrfsbase'),
    ('rdgsbase', base_instructions, 'int main(void) { long x; __asm__ volatile("rdgsbase %0" : "=r"(x)); }', [], 'rdgsbase'),
]


def main():
    root, archive, program = sys.argv[1:4]
    with open(os.path.join(root, 'tests/lint/layers.toml'), 'rb') as file:
        rules = tomllib.load(file)['served']
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for name, check, source, arguments, wanted in PLANTED:
            c_file, output = os.path.join(folder, 'planted.c'), os.path.join(folder, 'planted')
            with open(c_file, 'w', encoding='utf-8') as file:
                file.write(source)
            subprocess.run(['gcc', '-O1', '-w', *arguments, '-o', output, c_file], check=True)
            faults = check(output, rules)
            results.append((f'planted: {name} is found', [] if any(wanted in fault for fault in faults) else ['not found']))
    results.append(('what serves host calls touches no thread-local storage', thread_local(archive, rules)))
    results.append(('what serves host calls calls no libc', libc_calls(archive, rules)))
    results.append(('base instructions only where the kernel was asked first', base_instructions(program, rules)))
    print(f'1..{len(results)}')
    for number, (name, faults) in enumerate(results, 1):
        print(f'{"not ok" if faults else "ok"} {number} - {name}')
        for fault in faults:
            print('#', fault)
    sys.exit(any(faults for _, faults in results))


main()
