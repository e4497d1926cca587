#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A volume with a freshness anchor: an older state, a copy that went on, and what was taken away are told; a crash is not."""
import os
import random
import shutil
import subprocess
import time

from harness import OCCLUM, Group, Instance, clean_environment, expect, expect_contains, expect_output, expect_status, occlum, scratch

group = Group()
KILLS = int(os.environ.get('OCCLUM_VOLUME_KILLS', '10'))


def setup():
    instance = Instance('fresh', persistent=True)
    instance.anchor = os.path.join(scratch(), 'anchor')
    config = instance.read_config()
    config['mount'][0]['options']['layers'][1]['options'] = {'disk_size': '64MB', 'freshness': f'host:{instance.anchor}'}
    instance.configure(mount=config['mount'], **{'metadata.disable_log': False})
    instance.compile('durable', 'steps', 'volume_hook')
    instance.pack('/bin/busybox')
    instance.build()
    return instance


def root(instance):
    return os.path.join(instance.folder, 'run', 'mount', '__ROOT')


def begin(instance):
    shutil.rmtree(root(instance), ignore_errors=True)
    if os.path.exists(instance.anchor):
        os.unlink(instance.anchor)
    add(instance, 'one')


def add(instance, line):
    expect_status(instance.run('/bin/busybox', 'sh', '-c', f'echo {line} >> /root/lines'), 0)


def keep(instance, name):
    """A copy of volume and key as they are."""
    copy = os.path.join(scratch(), name)
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(root(instance), copy)
    return copy


def put(instance, copy):
    shutil.rmtree(root(instance))
    shutil.copytree(copy, root(instance))


def refused(instance):
    result = instance.run('/bin/busybox', 'true')
    expect_status(result, 126)
    expect(b'freshness anchor' in result.err, 'the refusal does not say why', result)


@group.case('an older state is refused, each of the last ones; the newest is not')
def _(instance):
    begin(instance)
    states = []
    for number in range(5):
        states.append(keep(instance, f'state{number}'))
        add(instance, number)
    newest = keep(instance, 'newest')
    for state in states:
        put(instance, state)
        refused(instance)
    put(instance, newest)
    expect_output(instance.run('/bin/busybox', 'cat', '/root/lines'), 'one\n0\n1\n2\n3\n4\n')


@group.case('a copy that went on elsewhere is refused')
def _(instance):
    begin(instance)
    copy, anchor = keep(instance, 'copy'), instance.anchor + '.copy'
    shutil.copy(instance.anchor, anchor)
    for number in range(3):
        add(instance, number)
    here, here_anchor = keep(instance, 'here'), instance.anchor + '.here'
    shutil.copy(instance.anchor, here_anchor)
    # The other history has its own anchor, is longer, and is handed back beside ours.
    put(instance, copy)
    shutil.copy(anchor, instance.anchor)
    for number in range(6):
        add(instance, number)
    shutil.copy(here_anchor, instance.anchor)
    refused(instance)
    put(instance, here)
    expect_output(instance.run('/bin/busybox', 'cat', '/root/lines'), 'one\n0\n1\n2\n')


@group.case('a volume, or an anchor, that was taken away or changed is told')
def _(instance):
    begin(instance)
    with open(instance.anchor, 'rb') as file:
        good = file.read()
    os.unlink(instance.anchor)
    refused(instance)
    for bad in (b'', bytes(len(good)), bytes([good[0] ^ 1]) + good[1:4096] + bytes([good[4096] ^ 1]) + good[4097:]):
        with open(instance.anchor, 'wb') as file:
            file.write(bad)
        refused(instance)
    with open(instance.anchor, 'wb') as file:
        file.write(good)
    copy = keep(instance, 'whole')
    os.unlink(os.path.join(root(instance), 'volume'))
    refused(instance)
    put(instance, copy)
    expect_output(instance.run('/bin/busybox', 'cat', '/root/lines'), 'one\n')


@group.case('a volume of before gets an anchor with its next run')
def _(instance):
    begin(instance)
    config = instance.read_config()
    options = config['mount'][0]['options']['layers'][1]['options']
    instance.configure(**{'mount': [{**config['mount'][0], 'options': {'layers': [config['mount'][0]['options']['layers'][0],
                                                                                 {**config['mount'][0]['options']['layers'][1], 'options': {'disk_size': '64MB'}}]}}]})
    instance.build()
    shutil.rmtree(root(instance))
    os.unlink(instance.anchor)
    add(instance, 'before')
    expect(not os.path.exists(instance.anchor), 'an anchor without being asked for')
    config['mount'][0]['options']['layers'][1]['options'] = options
    instance.configure(mount=config['mount'])
    instance.build()
    old = keep(instance, 'old')
    add(instance, 'after')
    put(instance, old)
    refused(instance)


@group.case(f'killed at {KILLS} moments it opens again, and nothing is lost')
def _(instance):
    begin(instance)
    generator, last = random.Random(3), 0
    for _ in range(KILLS):
        process = subprocess.Popen([OCCLUM, 'run', '/bin/durable', 'write', '/root/records'], cwd=instance.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=clean_environment(), start_new_session=True)
        first = process.stdout.readline()
        time.sleep(generator.random() * 0.2)
        os.killpg(process.pid, 9)
        lines = (first + process.stdout.read()).split(b'\n')
        process.wait()
        last = int(lines[-2]) if len(lines) > 1 else last
        result = instance.run('/bin/durable', 'read', '/root/records')
        expect_status(result, 0)
        expect(int(result.text) >= last, f'{last} records were durable', result)
    expect(last > KILLS, f'only {last} records were written')


@group.case('/dev/volume tells the state, and whether it is one that somebody else kept')
def _(instance):
    begin(instance)
    result = instance.run('/bin/volume_hook')
    expect_status(result, 0)
    expect(result.text.endswith('good\n'), 'the program saw something else', result)


@group.case('occlum volume anchor makes the present state the newest')
def _(instance):
    begin(instance)
    copy = keep(instance, 'back')
    add(instance, 'two')
    put(instance, copy)
    refused(instance)
    expect_status(occlum('volume', 'anchor', instance.anchor, cwd=instance.folder), 0)
    expect_output(instance.run('/bin/busybox', 'cat', '/root/lines'), 'one\n')
    expect_contains(occlum('volume', 'info', cwd=instance.folder), 'freshness')


if __name__ == '__main__':
    group.main(setup)
