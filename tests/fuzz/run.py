#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Builds the libFuzzer targets with clang and runs them from their kept corpora. Prints TAP, with the executions.

usage: tests/fuzz/run.py [--seconds N] [--keep FOLDER] [TARGET...]

Without arguments, what CI does: the readers of text 60 s beside each other, then the others 10 s beside each other, and first
a target with a planted fault, which must be found. --seconds sets the time of each target named (all, if none is);
--keep keeps the grown corpora there and goes on from them.
"""
import argparse
import glob
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

PROJECT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
sys.path.insert(0, os.path.join(PROJECT, 'tests'))
import limits  # noqa: E402

BUILD = os.environ.get('OCCLUM_BUILD', os.path.join(PROJECT, 'build'))
HERE = os.path.join(PROJECT, 'tests', 'fuzz')
CLANG = shutil.which('clang-14') or 'clang'
FLAGS = ['-std=gnu2x', '-D_GNU_SOURCE', '-g', '-O1', '-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=all', '-I' + PROJECT + '/src', '-I' + HERE]
# Sources besides the target's own, libraries, longest input, seconds in CI.
TARGETS = {
    'json': (['src/config/*.c'], [], 8192, 60),
    'enclave_xml': (['src/sign/enclave_xml.c', 'src/sign/enclave_xml_check.c', 'src/sign/layout.c'], ['-lexpat'], 8192, 60),
    'libos_elf': (['src/sign/libos_elf.c'], [], 65536, 10),
    'erofs': (['src/imagefmt/erofs.c'], [], 65536, 10),
    'gate': (['src/gate/[!h]*.c'], [], 65536, 10),
    'bom': (['src/bom/memory.c', 'src/bom/report.c', 'src/bom/read.c', 'src/bom/yaml.c', 'src/bom/expand.c', 'src/bom/paths.c', 'src/bom/pattern.c'], ['-lyaml'], 4096, 10),
    'bom_elf': (['src/bom/memory.c', 'src/bom/elf_needs.c', 'src/bom/ldcache.c'], [], 65536, 10),
    'planted': ([], [], 64, 60),
}


def build(name, folder):
    sources = [path for pattern in TARGETS[name][0] for path in sorted(glob.glob(os.path.join(PROJECT, pattern)))]
    program = os.path.join(folder, 'fuzz_' + name)
    subprocess.run([CLANG, *FLAGS, os.path.join(HERE, f'fuzz_{name}.c'), *sources, *TARGETS[name][1], '-o', program], check=True)
    return program


def small_elf(folder):
    """An ELF file with system calls for the call-site finder."""
    source, program = os.path.join(folder, 'seed.c'), os.path.join(folder, 'seed.elf')
    with open(source, 'w', encoding='utf-8') as file:
        file.write('int main(void){long r;__asm__ volatile("mov $39,%%eax;syscall":"=a"(r)::"rcx","r11");return (int)r;}\n')
    subprocess.run(['gcc', '-O1', '-static-pie', '-nostartfiles', '-nostdlib', '-e', 'main', source, '-o', program], check=True)
    return program


def program_and_cache(folder):
    """A program with libraries and run paths, and an ld.so.cache of one library."""
    source = os.path.join(folder, 'program.c')
    with open(source, 'w', encoding='utf-8') as file:
        file.write('int main(void){return 0;}\n')
    subprocess.run(['gcc', '-Wl,-z,norelro,-rpath,$ORIGIN/../lib:/opt', '-Wl,--no-as-needed', source, '-lm', '-ldl', '-s', '-o', os.path.join(folder, 'program')], check=True)
    os.unlink(source)
    names = b'libc.so.6\0/lib/x86_64-linux-gnu/libc.so.6\0'
    cache = b'glibc-ld.so.cache1.1' + struct.pack('<IIB3xI12x', 1, len(names), 2, 0) + struct.pack('<iIIIQ', 0x303, 72, 82, 0, 0) + names
    for name, before in (('cache', b''), ('old-cache', b'ld.so-1.7.0\0' + struct.pack('<I', 1) + bytes(16))):
        with open(os.path.join(folder, name), 'wb') as file:
            file.write(before + cache)


def seed(name, folder, scratch):
    """Fills folder with what the target begins from: files kept in the project, or made by the tools of the format."""
    kept = 'json' if name == 'planted' else name
    for path in glob.glob(os.path.join(HERE, 'corpus_' + kept, '*')):
        shutil.copy(path, folder)
    if name == 'libos_elf':
        shutil.copy(os.path.join(BUILD, 'tests/unit/sign/fake-libos'), folder)
    elif name == 'bom_elf':
        program_and_cache(folder)
    elif name == 'gate':
        shutil.copy(small_elf(scratch), folder)
    elif name == 'erofs':
        tree, image = os.path.join(scratch, 'tree'), os.path.join(scratch, 'image')
        os.makedirs(tree + '/a/b', exist_ok=True)
        for path, text in (('/f', 'x' * 5000), ('/a/g', 'y'), ('/a/b/h', '')):
            with open(tree + path, 'w', encoding='utf-8') as file:
                file.write(text)
        subprocess.run(['mkfs.erofs', '-T0', '-U00000000-0000-0000-0000-000000000000', image, tree], check=True, stdout=subprocess.DEVNULL)
        with open(image, 'rb') as file, open(folder + '/image', 'wb') as out:
            out.write(file.read()[1024:])
    if not os.listdir(folder):
        sys.exit(f'{name}: no corpus')


class Run:
    """One target at work in a process of its own."""

    def __init__(self, name, program, corpus, seconds):
        self.name, self.seconds, self.log = name, seconds, program + '.log'
        self.artifacts = os.path.join(os.path.dirname(program), 'artifacts-' + name)
        shutil.rmtree(self.artifacts, ignore_errors=True)
        os.makedirs(self.artifacts)
        words = os.path.join(HERE, name + '.dict')
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen([program, f'-max_total_time={seconds}', f'-max_len={TARGETS[name][2]}', f'-timeout={25 * limits.scale() * limits.load():.0f}', '-rss_limit_mb=2048',
                                             '-print_final_stats=1', f'-artifact_prefix={self.artifacts}/', *([f'-dict={words}'] if os.path.exists(words) else []),
                                             corpus], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def finish(self):
        """(True if nothing was found, a line of numbers)."""
        status = self.process.wait()
        with open(self.log, encoding='utf-8', errors='replace') as log:
            text = log.read()
        executions = re.search(r'number_of_executed_units: (\d+)', text)
        count = int(executions.group(1)) if executions else 0
        found = os.listdir(self.artifacts)
        if (status or found) and self.name != 'planted':
            print('\n'.join('# ' + line for line in text.splitlines()[-40:]), f'\n# kept: {self.artifacts}: {found}')
        return status == 0 and not found and count > 0, f'{count} executions in {self.seconds} s'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seconds', type=int)
    parser.add_argument('--keep', metavar='FOLDER')
    parser.add_argument('targets', nargs='*', metavar='TARGET', choices=[*TARGETS, []])
    arguments = parser.parse_args()
    folder = os.path.join(BUILD, 'fuzz')
    os.makedirs(folder, exist_ok=True)
    wanted = arguments.targets or list(TARGETS)
    rounds = [[name for name in wanted if TARGETS[name][3] == seconds] for seconds in (60, 10)]
    failures = number = 0
    print(f'1..{len(wanted)}', flush=True)
    programs = {name: build(name, folder) for name in wanted}
    with tempfile.TemporaryDirectory(prefix='occlum-fuzz-') as scratch:
        for names in rounds if not arguments.seconds else [wanted]:
            runs = []
            for name in names:
                corpus = os.path.join(os.path.abspath(arguments.keep) if arguments.keep else scratch, name)
                os.makedirs(corpus, exist_ok=True)
                seed(name, corpus, scratch)
                runs.append(Run(name, programs[name], corpus, arguments.seconds or TARGETS[name][3]))
            for run in runs:
                clean, numbers = run.finish()
                number += 1
                good = clean != (run.name == 'planted')
                failures += not good
                what = 'the planted fault is found' if run.name == 'planted' else f'no crash, {numbers}'
                print(f'{"ok" if good else "not ok"} {number} - {run.name}: {what}', flush=True)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
