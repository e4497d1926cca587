#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""One source, every way to link it, and the toolchains of this machine."""
import os
import shutil

from harness import Group, Instance, Skip, clean_environment, compile_program, expect_output, must, needs_address_space, run_command, scratch

group = Group()

LINKS = [
    ('dynamic glibc PIE', 'gcc', ['-pie', '-fPIE']),
    ('static glibc', 'gcc', ['-static', '-no-pie']),
    ('static-PIE glibc', 'gcc', ['-static-pie', '-fPIE']),
    ('dynamic glibc, not PIE', 'gcc', ['-no-pie', '-fno-pie']),
    ('static musl', 'musl-gcc', ['-static']),
    ('static-PIE musl', 'musl-gcc', ['-static-pie', '-fPIE']),
    ('dynamic musl', 'musl-gcc', []),
]


def setup():
    instance = Instance('hello')
    for number, (_, compiler, flags) in enumerate(LINKS):
        if shutil.which(compiler):
            instance.pack(f'{compile_program("hello", *flags, compiler=compiler, output=f"hello{number}")}=/bin/hello{number}')
    if shutil.which('go'):
        must(['go', 'build', '-o', os.path.join(scratch(), 'hello_go'), os.path.join(os.path.dirname(__file__), 'programs', 'hello.go')],
             env=clean_environment({'GOCACHE': os.path.join(scratch(), 'gocache'), 'CGO_ENABLED': '0', 'GO111MODULE': 'off'}))
        instance.pack(os.path.join(scratch(), 'hello_go') + '=/bin/hello_go')
    rustc = rust_compiler()
    if rustc:
        must([rustc, '-O', '-o', os.path.join(scratch(), 'hello_rust'), os.path.join(os.path.dirname(__file__), 'programs', 'hello.rs')],
             env={**os.environ})
        instance.pack(os.path.join(scratch(), 'hello_rust') + '=/bin/hello_rust')
    instance.build()
    return instance


def rust_compiler():
    rustc = shutil.which('rustc')
    if rustc and run_command([rustc, '--version'], env={**os.environ}).status == 0:
        return rustc
    return None


def add(number, name, compiler):
    def case(instance):
        if not shutil.which(compiler):
            raise Skip(f'{compiler} is not on this machine')
        expect_output(instance.run(f'/bin/hello{number}'), 'Hello, world!\n')
    group.add(name, case)


for number, (name, compiler, _) in enumerate(LINKS):
    add(number, name, compiler)


@group.case('static Go, with goroutines')
def _(instance):
    if not shutil.which('go'):
        raise Skip('no go on this machine')
    needs_address_space()
    expect_output(instance.run('/bin/hello_go'), 'Hello from Go, 4950\n')


@group.case('Rust, with threads')
def _(instance):
    if not rust_compiler():
        raise Skip('no rustc on this machine')
    expect_output(instance.run('/bin/hello_rust'), 'Hello from Rust, 4950\n')


@group.case('100 runs one after another, all right')
def _(instance):
    for _ in range(100):
        expect_output(instance.run('/bin/hello0'), 'Hello, world!\n')


if __name__ == '__main__':
    group.main(setup)
