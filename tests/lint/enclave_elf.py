# SPDX-License-Identifier: BSD-3-Clause
"""Checks on a linked enclave: what a freestanding static-PIE may not hold. Uses readelf and objdump."""
import os
import re
import subprocess
import tempfile


def tool(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout


def undefined_symbols(path, _rules):
    faults = []
    for line in tool('readelf', '-Ws', path).splitlines():
        fields = line.split()
        # num: value size type bind visibility section name; the first entry of a table has no name.
        if len(fields) >= 8 and fields[6] == 'UND' and fields[4] != 'WEAK':
            faults.append(f'undefined symbol {fields[7]}')
    return faults


def needed_libraries(path, _rules):
    text = tool('readelf', '-Wdl', path)
    faults = [f'needs {name}' for name in re.findall(r'\(NEEDED\).*\[([^\]]+)\]', text)]
    if 'Requesting program interpreter' in text:
        faults.append('asks for a program interpreter')
    return faults


def text_relocations(path, _rules):
    text = tool('readelf', '-Wd', path)
    faults = ['DT_TEXTREL is set'] if re.search(r'\(TEXTREL\)|FLAGS.*TEXTREL', text) else []
    executable = []
    for line in tool('readelf', '-Wl', path).splitlines():
        match = re.match(r'\s+LOAD\s+\S+\s+(0x\w+)\s+\S+\s+\S+\s+(0x\w+)\s+(.{3})', line)
        if match and 'E' in match.group(3):
            executable.append((int(match.group(1), 16), int(match.group(2), 16)))
    for line in tool('readelf', '-Wr', path).splitlines():
        match = re.match(r'([0-9a-f]{12,16})\s+[0-9a-f]+\s+(R_\S+)', line)
        if match and any(start <= int(match.group(1), 16) < start + size for start, size in executable):
            faults.append(f'{match.group(2)} inside executable pages at 0x{match.group(1)}')
        if match and match.group(2) != 'R_X86_64_RELATIVE':
            faults.append(f'{match.group(2)} at 0x{match.group(1)}: the loader of an enclave applies only R_X86_64_RELATIVE')
    return faults


def writable_code(path, _rules):
    faults = []
    for line in tool('readelf', '-Wl', path).splitlines():
        match = re.match(r'\s+(LOAD|GNU_STACK)\s+\S+\s+(0x\w+)\s+\S+\s+\S+\s+\S+\s+(.{3})', line)
        if match and 'W' in match.group(3) and 'E' in match.group(3):
            faults.append(f'{match.group(1)} segment at {match.group(2)} is writable and executable')
    return faults


def forbidden_opcodes(path, rules):
    allowed, faults, function = rules['opcodes'], [], '?'
    for line in tool('objdump', '-d', '-M', 'intel', '--no-show-raw-insn', path).splitlines():
        head = re.match(r'[0-9a-f]+ <(.+)>:$', line)
        if head:
            function = head.group(1)
            continue
        match = re.match(r'\s*([0-9a-f]+):\s+(.+?)\s*$', line)
        if not match:
            continue
        instruction = re.sub(r'\s+', ' ', match.group(2))
        name = instruction if instruction in allowed else instruction.split()[0]
        if name in allowed and function not in allowed[name]:
            faults.append(f'{instruction} in {function} at 0x{match.group(1)}')
    return faults


CHECKS = [
    ('no undefined symbol', undefined_symbols),
    ('no library needed', needed_libraries),
    ('no text relocation', text_relocations),
    ('no writable and executable segment', writable_code),
    ('no system call, cpuid, rdtsc or base instruction outside the allowed functions', forbidden_opcodes),
]


def check(path, rules):
    return [(name, function(path, rules)) for name, function in CHECKS]


STATIC_PIE = ['-nostdlib', '-ffreestanding', '-fPIE', '-static-pie', '-Wl,-e,entry']

# name, check, source, compiler arguments, a part of the report that must come
PLANTED = [
    ('undefined symbol', undefined_symbols, 'void lacking(void); void entry(void) { lacking(); }',
     ['-nostdlib', '-fPIC', '-shared'], 'lacking'),
    ('library needed', needed_libraries, 'int puts(const char *s); int main(void) { return puts("x"); }', [], 'libc.so.6'),
    ('text relocation', text_relocations, 'extern int x; int x; __asm__(".text\\n.globl entry\\nentry: .quad x");',
     STATIC_PIE + ['-Wl,-z,notext'], 'inside executable pages'),
    ('writable and executable segment', writable_code,
     '__asm__(".section .both,\\"awx\\",@progbits\\n.globl entry\\nentry: ret");', STATIC_PIE, 'writable and executable'),
    ('system call instruction', forbidden_opcodes, 'void entry(void) { __asm__ volatile("syscall"); }', STATIC_PIE, 'syscall in entry'),
    ('cpuid instruction', forbidden_opcodes, 'void entry(void) { __asm__ volatile("cpuid" ::: "rax", "rbx", "rcx", "rdx"); }',
     STATIC_PIE, 'cpuid in entry'),
    ('wrfsbase instruction', forbidden_opcodes, 'void entry(void) { __asm__ volatile("wrfsbase %%rax" ::: "rax"); }', STATIC_PIE, 'wrfsbase rax in entry'),
]


def self_test(rules):
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for name, function, source, arguments, wanted in PLANTED:
            c_file, elf = os.path.join(folder, 'planted.c'), os.path.join(folder, 'planted')
            with open(c_file, 'w', encoding='utf-8') as file:
                file.write(source)
            subprocess.run(['gcc', '-O1', '-w', *arguments, '-o', elf, c_file], check=True)
            faults = function(elf, rules)
            results.append((name, any(wanted in fault for fault in faults), faults))
    return results
