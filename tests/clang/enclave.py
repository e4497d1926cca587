#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compiles every source of the enclave with clang, warnings as errors, and links it. Prints TAP.

usage: tests/clang/enclave.py

clang sees what gcc takes for comments: a pointer of a program or of the host that is followed (__user, __host), and locks that a function says it
needs (-Wthread-safety). A planted fault of each kind is found first.
"""
import concurrent.futures
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

PROJECT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
BUILD = os.environ.get('OCCLUM_BUILD', os.path.join(PROJECT, 'build'))
CLANG = shutil.which('clang-14') or 'clang'
ENCLAVE = 'src/libos/libocclum-libos.so'
TARGETS = (ENCLAVE + '.p/', 'src/libos/libcrypto_vector_enclave.a.p/')
STRICT = ['-Werror', '-Wthread-safety', '-Wmissing-variable-declarations', '-Wno-unused-command-line-argument']
# What gcc 12 alone knows; clang 14 fills variables only with the second word, which its successors do without.
REPLACED = {'-ftrivial-auto-var-init=zero': ['-ftrivial-auto-var-init=zero', '-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang'],
            '-fdiagnostics-color=always': []}

PLANTED = {
    'a pointer of the program is followed': 'int planted(const int __user *from);\nint planted(const int __user *from) { return *from; }\n',
    'a pointer of the host is taken for one of the enclave': 'const int *planted(const int __host *from);\nconst int *planted(const int __host *from) { return from; }\n',
    'a lock that a function needs is not held': 'struct __attribute__((capability("mutex"))) planted_lock { int held; };\n'
                                               'extern struct planted_lock planted_lock;\n'
                                               'void planted_needs(void) __attribute__((requires_capability(planted_lock)));\n'
                                               'void planted(void);\nvoid planted(void) { planted_needs(); }\n',
}


def commands():
    with open(os.path.join(BUILD, 'compile_commands.json'), encoding='utf-8') as file:
        return [c for c in json.load(file) if c['output'].startswith(TARGETS)]


def translate(command, output, source=None):
    """The command of gcc as one of clang."""
    words = shlex.split(command['command'])
    kept, drop = [], 0
    for word in words[next(i for i, word in enumerate(words) if word.startswith('-')):]:
        if drop:
            drop -= 1
        elif word in ('-o', '-MF', '-MQ', '-c'):
            drop = 1
        elif word != '-MD':
            kept += REPLACED.get(word, [word])
    return [CLANG, *kept, *STRICT, '-o', output, '-c', source or command['file']]


def call(command):
    result = subprocess.run(command, cwd=BUILD, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace')
    return result.returncode == 0, result.stdout


def link(objects, folder):
    """Links as the build does, with clang's objects: no symbol may be missing."""
    line = subprocess.run(['ninja', '-C', BUILD, '-t', 'commands', ENCLAVE], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
    # What clang does not compile comes from archives of other people: assembly.
    options = [word for word in shlex.split(line) if word.startswith(('-Wl,', '-nostd', '-static')) or word.startswith('/') and word.endswith('.a')]
    return call(['gcc', '-o', os.path.join(folder, 'enclave.so'), *objects, *options])


def main():
    known, failures, number = commands(), 0, 0
    print(f'1..{len(PLANTED) + 2}', flush=True)

    def report(good, what, text):
        nonlocal failures, number
        number += 1
        failures += not good
        if not good:
            print('\n'.join('# ' + line for line in text.splitlines()[:60]))
        print(f'{"ok" if good else "not ok"} {number} - {what}', flush=True)

    with tempfile.TemporaryDirectory(prefix='occlum-clang-') as folder, concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        sample = next(c for c in known if c['file'].endswith('.c'))
        for what, text in PLANTED.items():
            source = os.path.join(folder, 'planted.c')
            with open(source, 'w', encoding='utf-8') as file:
                file.write('#include "base/types.h"\n' + text)
            compiled, told = call(translate(sample, source + '.o', source))
            report(not compiled and 'error:' in told, f'found when planted: {what}', told)
        objects = [os.path.join(folder, f'{i}.o') for i in range(len(known))]
        results = list(pool.map(lambda item: call(translate(*item)), zip(known, objects)))
        report(len(known) > 100 and all(good for good, _ in results), f'{len(known)} sources of the enclave compile with clang, warnings as errors',
               ''.join(text for good, text in results if not good))
        report(*(lambda good, text: (good, "clang's objects link, nothing is missing", text))(*link(objects, folder)))
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
