#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Programs that crash or take everything: the right status and errno, to them alone."""
from harness import PLATFORM, Group, Instance, expect, expect_output, expect_status

group = Group()


def setup():
    # All of it is taken, several times: as much as the cases need and no more.
    instance = Instance('faults', **({} if PLATFORM == 'emulated-edmm' else {'resource_limits.user_space_size': '256MB'}))
    instance.compile('crash', 'recover', 'fpe_info', 'overflow', 'memory', 'threads', 'descriptors', 'spawn', 'hello', 'exit_with', 'steps', 'displaced', 'end_together')
    instance.build()
    return instance


def crashes(name, kind, status):
    def case(instance):
        result = instance.run('/bin/crash', kind)
        expect_output(result, 'before\n', status)
    group.add(name, case)


crashes('SIGSEGV on address 8', 'segv', 139)
crashes('SIGSEGV on an address that is not canonical user memory', 'kernel', 139)
crashes('SIGSEGV on a jump to nowhere', 'jump', 139)
crashes('SIGSEGV on a write to its own text', 'write-text', 139)
crashes('SIGABRT by abort()', 'abort', 134)
crashes('SIGFPE by division by zero', 'fpe', 136)
crashes('SIGILL by ud2', 'ill', 132)
crashes('SIGTRAP by int3', 'trap', 133)
crashes('SIGKILL by itself', 'kill', 137)
crashes('SIGTERM by itself', 'term', 143)


@group.case('busy threads, and one of them ends the process: 100 times')
def _(instance):
    for _ in range(100 if PLATFORM == 'sim' else 5):
        expect_status(instance.run('/bin/end_together'), 7)


@group.case('every exit status from 0 to 255')
def _(instance):
    for status in range(256):
        expect_status(instance.run('/bin/exit_with', str(status)), status)


@group.case('a fault is handled, mended and left behind')
def _(instance):
    expect_output(instance.run('/bin/recover'), 'faults 1, value 42\n')


@group.case('a fault of an instruction that the call gate has displaced is told and mended where it was')
def _(instance):
    expect_output(instance.run('/bin/displaced'), 'at the load: 1, loaded 4711, pid right\n')


@group.case('such a fault without a handler')
def _(instance):
    expect_status(instance.run('/bin/displaced', 'kill'), 139)


@group.case('SIGFPE with its code, left by siglongjmp, three times')
def _(instance):
    expect_output(instance.run('/bin/fpe_info'), 'signal 8\nsignal 8\nsignal 8\n')


@group.case('stack overflow handled on the alternate stack')
def _(instance):
    expect_output(instance.run('/bin/overflow'), 'on the alternate stack\n', 7)


@group.case('stack overflow without a handler')
def _(instance):
    expect_status(instance.run('/bin/overflow', 'plain'), 139)


@group.case('a child crashes, its parent and its siblings live')
def _(instance):
    expect_output(instance.run('/bin/spawn'), 'Hello, world!\nhello: exited 0\nstatus: exited 200\nbefore\ncrash: signal 11\n'
                  'missing: No such file or directory\nwaitid: exited 9\nvfork: exited 9\nno child left: ECHILD\n')


@group.case('ten crashes in one LibOS, then a program that is well')
def _(instance):
    script = [word for kind in ('segv', 'abort', 'fpe', 'ill', 'jump') * 2 for word in ('crash', kind, '>', '/dev/null', ';')]
    result = instance.run('/bin/steps', *script, 'hello')
    expect_status(result, 0)
    expect(result.text.count('ended with') == 10 and result.text.endswith('Hello, world!\n'), 'not ten crashes and a greeting', result)


@group.case('memory exhausted: ENOMEM, and as much again')
def _(instance):
    text = 'refused: ENOMEM, some were given: yes\n'
    expect_output(instance.run('/bin/memory'), text + text + 'as much again: yes\n')


@group.case('threads exhausted: EAGAIN, and one more afterwards')
def _(instance):
    expect_output(instance.run('/bin/threads'), 'refused: EAGAIN, some were made: yes\nall ran: yes\none more: yes\n')


@group.case('descriptors exhausted: EMFILE, as the limit says')
def _(instance):
    once = 'refused: EMFILE\npipe: EMFILE\ndup: EMFILE\n'
    expect_output(instance.run('/bin/descriptors'), once + 'as the limit says: yes\n' + once + 'with a limit of 10: 7\n')


@group.case('memory exhausted by a child leaves the rest of the enclave alone')
def _(instance):
    result = instance.run('/bin/steps', 'memory', ';', 'memory', '|', 'hello', ';', 'hello')
    expect_status(result, 0)
    expect(result.text.endswith('Hello, world!\n'), 'the last program did not run', result)


if __name__ == '__main__':
    group.main(setup)
