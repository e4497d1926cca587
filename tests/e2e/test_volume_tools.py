#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""occlum volume import, resize and rekey: what was in the volume stays, and whatever interrupts them leaves a whole one."""
import os
import random
import shutil
import subprocess
import time

from harness import OCCLUM, Group, Instance, clean_environment, expect, expect_contains, expect_output, expect_status, must, occlum, run_command, scratch

group = Group()
TEXT = ''.join(f'line {number}\n' for number in range(3000))


def setup():
    instance = Instance('volume-tools', persistent=True)
    set_size(instance, '24MB')
    instance.pack('/bin/busybox')
    instance.build()
    instance.key = os.path.join(scratch(), 'image-key')
    must([OCCLUM, 'gen-image-key', instance.key])
    return instance


def set_size(instance, size):
    config = instance.read_config()
    config['mount'][0]['options']['layers'][1]['options'] = {'disk_size': size}
    instance.configure(mount=config['mount'])


def folder_of(instance):
    return os.path.join(instance.folder, 'run', 'mount', '__ROOT')


def fresh(instance):
    for name in (folder_of(instance), folder_of(instance) + '.new'):
        shutil.rmtree(name, ignore_errors=True)
    result = instance.run('/bin/busybox', 'tee', '/root/file', stdin=TEXT)
    expect_output(result, TEXT)


def volume(instance, *arguments):
    return occlum('volume', *arguments, cwd=instance.folder)


def whole(instance, *options):
    """The volume has the text, and nothing is wrong with it."""
    image = os.path.join(scratch(), 'plain')
    expect_contains(volume(instance, 'check', *options), '0 bad')
    expect_status(volume(instance, 'export', image, *options), 0)
    must(['e2fsck', '-fn', image])
    found = must(['debugfs', '-R', 'cat /root/file', image])
    expect(found.text == TEXT, 'the file has changed', found)
    return os.path.getsize(image)


def refused(result, text, status=1):
    expect(result.status == status and text in result.errors, f'not refused with {text!r}', result)


@group.case('resize grows the volume and the file system in it; it does not shrink')
def _(instance):
    fresh(instance)
    expect(whole(instance) == 24 << 20, 'not 24 MiB at first')
    for size, bytes_ in (('25MB', 25 << 20), ('1GB', 1 << 30), ('20GB', 20 << 30)):
        expect_contains(volume(instance, 'resize', size), f'{bytes_ >> 20} MiB, was')
    image = os.path.join(scratch(), 'large')
    expect_status(volume(instance, 'export', image), 0)
    must(['e2fsck', '-fn', image])
    expect(os.path.getsize(image) == 20 << 30, 'not 20 GiB')
    os.unlink(image)
    refused(volume(instance, 'resize', '24MB'), 'only grows')
    refused(volume(instance, 'resize', 'much'), 'is no size', 2)
    refused(volume(instance, 'resize'), 'takes one SIZE', 2)
    expect_output(instance.run('/bin/busybox', 'cat', '/root/file'), TEXT)


@group.case('a larger disk_size in Occlum.json grows it at the next run, a smaller one leaves it')
def _(instance):
    fresh(instance)
    for size, wanted in (('200MB', 200 << 20), ('16MB', 200 << 20), ('24MB', 200 << 20)):
        set_size(instance, size)
        instance.build()
        expect_output(instance.run('/bin/busybox', 'cat', '/root/file'), TEXT)
        expect(whole(instance) == wanted, f'{size}: not {wanted} bytes')
    result = instance.run('/bin/busybox', 'df', '-P', '/')
    expect(int(result.text.splitlines()[1].split()[1]) > 190 << 10, 'df shows the old size', result)


@group.case('rekey: the same contents under another key, also another kind of key')
def _(instance):
    fresh(instance)
    with open(os.path.join(folder_of(instance), 'simulation.key'), 'rb') as file:
        before = file.read()
    expect_status(volume(instance, 'rekey'), 0)
    whole(instance)
    old = os.path.join(scratch(), 'old-key')
    with open(old, 'wb') as file:
        file.write(before)
    refused(volume(instance, 'check', '--key', old), 'another key')
    expect_output(instance.run('/bin/busybox', 'cat', '/root/file'), TEXT)
    expect_status(volume(instance, 'rekey', '--new-image-key', instance.key), 0)
    expect(os.listdir(folder_of(instance)) == ['volume'], 'the old key is still there')
    refused(volume(instance, 'check'), 'needs --image-key')
    whole(instance, '--image-key', instance.key)
    instance.build('--image-key', instance.key)
    expect_output(instance.run('/bin/busybox', 'cat', '/root/file', env={'OCCLUM_IMAGE_KEY': instance.key}), TEXT)
    expect_status(volume(instance, 'rekey', '--image-key', instance.key), 0)
    whole(instance)
    instance.build()
    expect_output(instance.run('/bin/busybox', 'cat', '/root/file'), TEXT)


@group.case('import: an ext2 becomes the volume; what is none is refused with what helps')
def _(instance):
    fresh(instance)
    image, made = os.path.join(scratch(), 'taken-out'), os.path.join(scratch(), 'made')
    expect_status(volume(instance, 'export', image), 0)
    shutil.rmtree(folder_of(instance))
    expect_status(volume(instance, 'import', image), 0)
    whole(instance)
    expect_output(instance.run('/bin/busybox', 'cat', '/root/file'), TEXT)
    refused(volume(instance, 'import', image), '--force replaces it')
    # One by mke2fs, with a file by debugfs.
    must(['mke2fs', '-q', '-t', 'ext2', '-b', '4096', '-I', '256', '-O', 'none,ext_attr,filetype,sparse_super,large_file,extra_isize', made, '40M'])
    text = os.path.join(scratch(), 'text')
    with open(text, 'w', encoding='utf-8') as file:
        file.write(TEXT)
    must(['debugfs', '-w', '-R', 'mkdir /root', made])
    must(['debugfs', '-w', '-R', f'write {text} /root/file', made])
    expect_status(volume(instance, 'import', '--force', made), 0)
    whole(instance)
    expect_output(instance.run('/bin/busybox', 'cat', '/root/file'), TEXT)
    must(['mke2fs', '-q', '-F', '-t', 'ext4', made, '40M'])
    refused(volume(instance, 'import', made, '--force'), 'mke2fs -t ext2')
    refused(volume(instance, 'import', text, '--force'), 'mke2fs -t ext2')
    refused(volume(instance, 'import', '/none/such', '--force'), 'No such file')
    whole(instance)


@group.case('killed at any moment, import and rekey leave a whole volume that opens')
def _(instance):
    fresh(instance)
    image, generator = os.path.join(scratch(), 'again'), random.Random(3)
    expect_status(volume(instance, 'export', image), 0)
    for number in range(16):
        command = ['import', '--force', image] if number % 2 else ['rekey']
        process = subprocess.Popen([OCCLUM, 'volume', *command], cwd=instance.folder, env=clean_environment(), stderr=subprocess.DEVNULL)
        time.sleep(generator.random() * 0.06)
        process.kill()
        process.wait()
        whole(instance)
    expect_status(volume(instance, 'rekey'), 0)
    expect(not os.path.exists(folder_of(instance) + '.new'), 'something is left')


@group.case('while an enclave has it nothing changes it; unknown words are told')
def _(instance):
    fresh(instance)
    holder = subprocess.Popen([OCCLUM, 'run', '/bin/busybox', 'sh', '-c', 'echo up; read line'], cwd=instance.folder, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, env=clean_environment(), start_new_session=True)
    try:
        expect(holder.stdout.readline() == b'up\n', 'it did not start')
        for command in (['resize', '1GB'], ['rekey'], ['import', '--force', '/dev/null'], ['check']):
            result = volume(instance, *command)
            expect(result.status == 1, f'{command} is not refused', result)
    finally:
        holder.kill()
        holder.wait()
    whole(instance)
    refused(volume(instance, 'resise', '1GB'), 'Did you mean resize', 2)
    refused(run_command([OCCLUM, 'volume'], cwd=instance.folder, env=clean_environment()), 'needs one of', 2)


if __name__ == '__main__':
    group.main(setup)
