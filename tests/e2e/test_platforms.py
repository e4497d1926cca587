#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The guide's Note 4: which build runs on which machine. The emulator is the machine."""
import os

from harness import Group, Instance, OCCLUM, expect, expect_contains, expect_output, expect_status, occlum, run_command, scratch, clean_environment

group = Group()
HELLO = 'Hello, world!\n'
# As a user's shell: nothing about the emulator, and notes are not silenced.
PLAIN = {'OCCLUM_EMULATE': '', 'OCCLUM_EMULATE_OPTIONS': '', 'OCCLUM_QUIET': '', 'SGX_MODE': '', 'ENABLE_EDMM': ''}


class Builds:
    def __init__(self):
        self.of = {}
        for name, arguments in (('sim', ['--sgx-mode', 'SIM']), ('hw', ['--enable-edmm', 'N']), ('edmm', ['--enable-edmm', 'Y'])):
            instance = Instance('build-' + name, **{'resource_limits.user_space_size': '16MB', 'resource_limits.user_space_max_size': '64MB',
                                                    'resource_limits.max_num_of_threads': 8, 'resource_limits.kernel_space_heap_size': '8MB',
                                                    'resource_limits.init_num_of_threads': 4})
            instance.compile('hello')
            result = occlum('build', *arguments, cwd=instance.folder, env=PLAIN)
            expect_status(result, 0)
            self.of[name] = instance

    def run(self, build, *options, env=None):
        return self.of[build].run(*options, '/bin/hello', env={**PLAIN, **(env or {})})


@group.case('EDMM build, EDMM machine: runs, and says nothing')
def _(builds):
    result = builds.run('edmm', '--emulate')
    expect_output(result, HELLO)
    expect(not result.errors, 'something on stderr', result)


@group.case('non-EDMM build, EDMM machine: runs without EDMM and says so')
def _(builds):
    result = builds.run('hw', '-e')
    expect_output(result, HELLO)
    expect('without EDMM' in result.errors and result.errors.count('\n') == 1, 'not one line about it', result)


for option, lacking in (('--sgx1', 'the CPU lacks SGX2'), ('--driver=5.11', 'the SGX driver does not know')):
    def refused(builds, option=option, lacking=lacking):
        result = builds.run('edmm', '--emulate-options=' + option)
        expect_status(result, 1)
        expect(lacking in result.errors and 'ENABLE_EDMM=N occlum build' in result.errors, 'not what is lacking and what helps', result)
        expect(not result.text, 'it ran', result)

    def runs(builds, option=option):
        result = builds.run('hw', '--emulate-options=' + option)
        expect_output(result, HELLO)
        expect(not result.errors, 'something on stderr', result)
    group.add(f'EDMM build, machine {option}: refused with reason and cure', refused)
    group.add(f'non-EDMM build, machine {option}: runs', runs)


@group.case('a kernel without the vDSO entry: our own ENCLU, faults and signals included')
def _(builds):
    for build in ('hw', 'edmm'):
        instance = builds.of[build]
        instance.compile('recover', 'sync')
        expect_status(occlum('build', '--enable-edmm', 'Y' if build == 'edmm' else 'N', cwd=instance.folder, env=PLAIN), 0)
        expect_output(builds.run(build, '--emulate-options=--no-vdso', env={'OCCLUM_QUIET': '1'}), HELLO)
        result = instance.run('--emulate-options=--no-vdso', '/bin/recover', env={**PLAIN, 'OCCLUM_QUIET': '1'})
        expect_output(result, 'faults 1, value 42\n')
    result = occlum('status', cwd=builds.of['edmm'].folder, env=PLAIN)
    expect_contains(result, 'vDSO entry: no')


@group.case('the refused build creates no enclave')
def _(builds):
    stats = os.path.join(builds.of['edmm'].folder, 'stats.json')
    builds.run('edmm', f'--emulate-options=--sgx1 --stats={stats}')
    with open(stats, encoding='utf-8') as file:
        expect('"ECREATE": 0' in file.read(), 'an enclave was created')


@group.case('no SGX at all: refused, and both ways out named')
def _(builds):
    for build in ('hw', 'edmm'):
        result = builds.run(build)
        expect_status(result, 1)
        for cure in ('SGX_MODE=SIM occlum build', 'occlum run --emulate'):
            expect(cure in result.errors, f'no word of {cure}', result)


@group.case('a simulation build runs anywhere, and says that nothing is protected')
def _(builds):
    result = builds.run('sim')
    expect_output(result, HELLO)
    expect('nothing is protected' in result.errors and result.errors.count('\n') == 1, 'not one line about it', result)
    quiet = builds.run('sim', env={'OCCLUM_QUIET': '1'})
    expect_output(quiet, HELLO)
    expect(not quiet.errors, 'OCCLUM_QUIET=1 did not silence it', quiet)


@group.case('words for the emulator are quoted as in a shell')
def _(builds):
    stats = os.path.join(scratch(), 'a name with spaces.json')
    expect_output(builds.run('edmm', f"--emulate-options=--stats='{stats}'"), HELLO)
    expect(os.path.exists(stats), 'no such file')
    result = builds.run('edmm', '--emulate-options=--stats=$(id)')
    expect_status(result, 2)
    expect('--emulate-options' in result.errors, 'the option is not named', result)


@group.case('OCCLUM_EMULATE=1 is --emulate for SGX builds and nothing for simulation builds')
def _(builds):
    expect_output(builds.run('edmm', env={'OCCLUM_EMULATE': '1'}), HELLO)
    expect_output(builds.run('sim', env={'OCCLUM_EMULATE': '1'}), HELLO)
    result = builds.run('sim', '--emulate')
    expect_status(result, 1)
    expect('simulation' in result.errors and 'occlum build' in result.errors, 'no explanation', result)


@group.case('an emulator that is not there: status 125 and its name')
def _(builds):
    result = builds.run('edmm', '--emulate', env={'OCCLUM_SGX2EMU': '/nowhere/sgx2emu'})
    expect_status(result, 125)
    expect('/nowhere/sgx2emu' in result.errors and 'OCCLUM_SGX2EMU' in result.errors, 'no name', result)


@group.case('status names the effective mode: machine, EDMM, emulated or not')
def _(builds):
    result = occlum('status', cwd=builds.of['edmm'].folder, env=PLAIN)
    expect_contains(result, 'no SGX', 'is refused')
    emulator = os.path.join(os.path.dirname(OCCLUM), 'sgx2emu')
    result = run_command([emulator, OCCLUM, 'status'], cwd=builds.of['edmm'].folder, env=clean_environment(PLAIN))
    expect_contains(result, 'SGX2', 'with EDMM', 'emulated by sgx2emu', 'runs with EDMM')
    result = run_command([emulator, '--sgx1', OCCLUM, 'status'], cwd=builds.of['edmm'].folder, env=clean_environment(PLAIN))
    expect_contains(result, 'SGX1', 'is refused', 'the CPU lacks SGX2')
    result = run_command([emulator, OCCLUM, 'status'], cwd=builds.of['hw'].folder, env=clean_environment(PLAIN))
    expect_contains(result, 'runs without EDMM')
    result = occlum('status', cwd=builds.of['sim'].folder, env=PLAIN)
    expect_contains(result, 'simulation')


if __name__ == '__main__':
    group.main(Builds)
