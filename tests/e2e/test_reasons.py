#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Why a program ended, or was refused something: one line on stderr that names the program and the signal, or the field of Occlum.json and its value; what
release enclaves say of it."""
from harness import Group, Instance, expect, expect_output, expect_status

group = Group()
LIMITS = {'resource_limits.user_space_size': '64MB', 'resource_limits.kernel_space_heap_size': '8MB', 'resource_limits.max_num_of_threads': 16,
          'resource_limits.user_space_max_size': '64MB', 'resource_limits.kernel_space_heap_max_size': '8MB', 'resource_limits.init_num_of_threads': 4,
          'feature.enforce_max_limits': True}


def make(name, **changes):
    instance = Instance(name, **LIMITS, **changes)
    instance.compile('limits_met')
    instance.build()
    return instance


def setup():
    return {'debug': make('debug', **{'metadata.debuggable': True}), 'release': make('release'), 'silent': make('silent', **{'metadata.disable_log': True})}


FULL = [('memory', 'ENOMEM', 'resource_limits.user_space_max_size of Occlum.json is 64MB'),
        ('threads', 'EAGAIN', 'resource_limits.max_num_of_threads of Occlum.json is 16'),
        ('heap', None, 'resource_limits.kernel_space_heap_max_size of Occlum.json is 8MB'),
        ('files', 'ENOSPC', 'a file system in memory is full: options.size of its mount, by default half of user memory, of Occlum.json is 32MB')]


def add(what, answer, line):
    @group.case(f'a limit that is met is named once, with its value: {what}')
    def _(instances):
        for name in ('debug', 'release', 'silent'):
            result = instances[name].run('/bin/limits_met', what)
            expect_status(result, 0)
            expect(answer in (None, result.text.strip()), f'the answer is not {answer}', result)
            expect(result.errors.count(line) == (name != 'silent'), f'{name}: the line is not there once (or there, where nothing is to be said)', result)
            expect(name == 'silent' or 'limits_met[1]: ' in result.errors, 'the program is not named', result)


for one in FULL:
    add(*one)


@group.case('the end by a signal: with addresses where the log is on, without in a release enclave, nothing with disable_log')
def _(instances):
    for what, signal, named, address in (('segv', 139, 'signal 11 (SIGSEGV)', True), ('abort', 134, 'signal 6 (SIGABRT)', False)):
        debug, release, silent = (instances[name].run('/bin/limits_met', what) for name in ('debug', 'release', 'silent'))
        for result in (debug, release, silent):
            expect_status(result, signal)
        expect(f'limits_met[1]: ended by {named} at 0x' in debug.errors, 'the debug enclave does not say it', debug)
        expect(('address 0x10' in debug.errors) == address, 'the address', debug)
        expect(release.errors.strip().endswith(f'limits_met[1]: ended by {named}') and '0x' not in release.errors, 'the release enclave', release)
        expect(not silent.errors, 'the silent enclave speaks', silent)


@group.case('the end of a child is its parent\'s to tell, in a release enclave')
def _(instances):
    result = instances['release'].run('/bin/limits_met', 'child')
    expect_output(result, '6\n')
    expect(not result.errors, 'something is said', result)
    expect('ended by signal 6 (SIGABRT)' in instances['debug'].run('/bin/limits_met', 'child').errors, 'nothing is said where the log is on')


group.main(setup)
