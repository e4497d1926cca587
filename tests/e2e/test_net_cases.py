#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Small cases of sockets and events beside Linux: programs/net/*.c print what each call answered."""
import os

from harness import PROGRAMS, Group, Instance, compile_program, expect_output

group = Group()
FOLDER = os.path.join(PROGRAMS, 'net')
NAMES = sorted(name[:-2] for name in os.listdir(FOLDER) if name.endswith('.c'))


def setup():
    instance = Instance('net-cases')
    for name in NAMES:
        instance.pack(f'{compile_program("net/" + name, output="net_" + name)}=/bin/net_{name}')
    instance.build()
    return instance


for _name in NAMES:
    group.add(f'{_name}: every line is as on Linux', lambda instance, name=_name: instance.same(f'/bin/net_{name}'))


@group.case('with network.loopback false streams are those of the host, and every line is as on Linux')
def _(instance):
    outside = Instance('net-outside', **{'network.loopback': False})
    names = ['ahead', 'events']
    for name in names:
        outside.pack(f'{compile_program("net/" + name, output="net_" + name)}=/bin/net_{name}')
    outside.build()
    for name in names:
        outside.same(f'/bin/net_{name}')


@group.case('inotify on a root that is a volume')
def _(instance):
    volume = Instance('net-volume', persistent=True)
    volume.pack(f'{compile_program("net/inotify", output="net_inotify")}=/bin/net_inotify')
    volume.build()
    volume.same('/bin/net_inotify')


@group.case('a pipe that is opened again through /proc waits for nobody, and has what was left')
def _(instance):
    answers = ['pipe(p): 0', 'write(p[1], "left", 4): 4', 'read(again, text, sizeof(text)): 4', 'read(again, text, sizeof(text)): 0',
               'write(writer, "more", 4): 4', 'read(p[0], text, sizeof(text)): 4']
    expect_output(instance.run('/bin/net_events', 'again'), '\n'.join(['--- a pipe, opened again', *answers, '']))


if __name__ == '__main__':
    group.main(setup)
