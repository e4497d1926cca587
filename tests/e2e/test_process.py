#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Processes as their programs and users see them: each case ends and prints inside as on Linux."""
from harness import Group, Instance, expect_output

group = Group()


def setup():
    instance = Instance('process')
    instance.compile('signal_rules', 'proc_watch')
    instance.build()
    return instance


def same(name, *arguments):
    group.add(name, lambda instance: instance.same(*arguments))


same('signals: no room for a frame, blocked ones, stops, none stranded', '/bin/signal_rules')


@group.case('/proc/PID/{cwd,fd,maps,stat} of processes that execute and end')
def _(instance):
    expect_output(instance.run('/bin/proc_watch'), 'seen, 0 children failed\n')


if __name__ == '__main__':
    group.main(setup)
