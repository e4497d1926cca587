#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The root on its volume: what programs write is there in the next run, after a kill too, and nobody else can change it."""
import os
import random
import shutil
import subprocess
import time

from harness import PLATFORM, Failure, Group, Instance, Skip, clean_environment, expect, expect_contains, expect_output, expect_status, must, occlum, \
    scratch

group = Group()
KILLS = int(os.environ.get('OCCLUM_VOLUME_KILLS', '10' if PLATFORM == 'sim' else '2'))
CHANGES = int(os.environ.get('OCCLUM_VOLUME_CHANGES', '25' if PLATFORM == 'sim' else '3'))


def setup():
    instance = Instance('volume', persistent=True)
    instance.compile('durable', 'steps')
    instance.pack('/bin/busybox')
    instance.add_text('/etc/from-image', 'the image wrote this\n')
    instance.add_text('/opt/folder/one', '1\n')
    instance.add_text('/opt/folder/two', '2\n')
    instance.build()
    return instance


def volume_folder(instance):
    return os.path.join(instance.folder, 'run', 'mount', '__ROOT')


def fresh(instance):
    shutil.rmtree(volume_folder(instance), ignore_errors=True)


def busybox(instance, *arguments):
    return instance.run('/bin/busybox', *arguments)


def wrote(instance, path, text):
    result = instance.run('/bin/busybox', 'tee', path, stdin=text)
    expect_output(result, text)


@group.case('what a run that was killed while it made the volume left stands in nobody\'s way')
def _(instance):
    if PLATFORM != 'sim':
        raise Skip('once is enough')
    fresh(instance)
    os.makedirs(volume_folder(instance))
    for name in ('volume.new', 'simulation.key.new'):
        with open(os.path.join(volume_folder(instance), name), 'wb') as file:
            file.write(b'half')
    expect_status(busybox(instance, 'true'), 0)
    expect(sorted(os.listdir(volume_folder(instance))) == ['simulation.key', 'volume'], f'left: {os.listdir(volume_folder(instance))}')
    fresh(instance)
    for moment in range(20):
        process = subprocess.Popen([occlum_path(), 'run', '/bin/busybox', 'true'], cwd=instance.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env=clean_environment(), start_new_session=True)
        time.sleep(0.004 * moment)
        os.killpg(process.pid, 9)
        process.wait()
        expect_status(busybox(instance, 'true'), 0)
        fresh(instance)


@group.case('what is written is there in the next run; the image shows through')
def _(instance):
    fresh(instance)
    wrote(instance, '/root/file', 'kept\n')
    wrote(instance, '/etc/from-image', 'changed\n')
    expect_output(busybox(instance, 'rm', '/opt/folder/one'), '')
    expect_output(busybox(instance, 'mkdir', '-p', '/opt/new/deep'), '')
    expect_output(busybox(instance, 'mv', '/opt/folder/two', '/opt/new/deep/moved'), '')
    expect_output(busybox(instance, 'cat', '/root/file', '/etc/from-image', '/opt/new/deep/moved'), 'kept\nchanged\n2\n')
    expect_output(busybox(instance, 'ls', '/opt/folder'), '')
    expect_output(busybox(instance, 'ls', '/opt'), 'folder\nnew\n')


@group.case('the disk is an ext2 that e2fsck and debugfs read, in the format of overlayfs')
def _(instance):
    if PLATFORM != 'sim':
        raise Skip('the key of a volume made on SGX is in no file')
    image = os.path.join(scratch(), 'exported')
    expect_status(occlum('volume', 'check', cwd=instance.folder), 0)
    expect_contains(occlum('volume', 'info', cwd=instance.folder), 'generation', 'uuid')
    expect_status(occlum('volume', 'export', image, cwd=instance.folder), 0)
    must(['e2fsck', '-fn', image])
    expect(b'kept' in subprocess.run(['debugfs', '-R', 'cat /root/file', image], capture_output=True, check=True).stdout, 'the file is not there')
    listing = subprocess.run(['debugfs', '-R', 'ls -l /opt/folder', image], capture_output=True, check=True, text=True).stdout
    expect(any('2' in line.split()[1] and ' one' in line for line in listing.splitlines() if line.strip()), f'no whiteout: {listing}')


@group.case('nothing of it stands on the host in the clear')
def _(instance):
    secret = 'a-secret-that-nobody-else-writes\n'
    wrote(instance, '/root/secret', secret)
    with open(os.path.join(volume_folder(instance), 'volume'), 'rb') as file:
        expect(secret.strip().encode() not in file.read(), 'the volume holds the text in the clear')


@group.case('two enclaves cannot have it at once')
def _(instance):
    holder = subprocess.Popen([occlum_path(), 'run', '/bin/busybox', 'sh', '-c', 'echo up; read line'], cwd=instance.folder, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, env=clean_environment(), start_new_session=True)
    if PLATFORM != 'sim':
        holder.kill()
        holder.wait()
        raise Skip('once is enough')
    try:
        expect(holder.stdout.readline() == b'up\n', 'the first did not start')
        result = busybox(instance, 'true')
        expect_status(result, 126)
        expect(b'another enclave has it open' in result.err, 'the refusal does not say why', result)
    finally:
        holder.kill()
        holder.wait()
    expect_status(busybox(instance, 'true'), 0)


def occlum_path():
    return os.path.join(os.environ['OCCLUM_BUILD'], 'bin', 'occlum')


def acknowledged_before_kill(instance, seconds):
    """The number of the last record that the program said was durable."""
    command = [occlum_path(), 'run', '/bin/durable', 'write', '/root/records']
    process = subprocess.Popen(command, cwd=instance.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               env=clean_environment(), start_new_session=True)
    first = process.stdout.readline()
    time.sleep(seconds)
    os.killpg(process.pid, 9)
    lines = (first + process.stdout.read()).split(b'\n')
    process.wait()
    return int(lines[-2]) if len(lines) > 1 else 0


@group.case(f'killed at {KILLS} random moments: nothing that was fsynced is lost')
def _(instance):
    if PLATFORM != 'sim':
        raise Skip('the emulator is killed elsewhere')
    fresh(instance)
    generator, last = random.Random(1), 0
    for _ in range(KILLS):
        last = max(last, acknowledged_before_kill(instance, generator.random() * 0.3))
        result = instance.run('/bin/durable', 'read', '/root/records')
        expect_status(result, 0)
        if int(result.text) < last:
            raise Failure(f'{last} records were durable, {result.text.strip()} are there')
    expect(last > KILLS, f'only {last} records were written')
    expect_status(occlum('volume', 'check', cwd=instance.folder), 0)


@group.case(f'{CHANGES} changed bytes: the right contents or an error')
def _(instance):
    fresh(instance)
    text = ''.join(f'line {number}\n' for number in range(20000))
    wrote(instance, '/root/text', text)
    path, generator, refused = os.path.join(volume_folder(instance), 'volume'), random.Random(2), 0
    used = [block for block in range(os.path.getsize(path) // 4096) if read_at(path, block * 4096, 4096).strip(b'\0')]
    for _ in range(CHANGES):
        at = generator.choice(used) * 4096 + generator.randrange(4096)
        byte = read_at(path, at, 1)
        write_at(path, at, bytes([byte[0] ^ (1 << generator.randrange(8))]))
        result = busybox(instance, 'cat', '/root/text')
        write_at(path, at, byte)
        if result.status == 0:
            expect(result.text == text, 'wrong contents', result)
        else:
            refused += 1
            expect(text.startswith(result.text), 'wrong contents before the error', result)
    expect(refused > 0, 'no change was ever noticed')


@group.case('a key that is not its own does not open it')
def _(instance):
    if PLATFORM != 'sim':
        raise Skip('the key is the signer\'s')
    key = os.path.join(volume_folder(instance), 'simulation.key')
    right = read_at(key, 0, 32)
    write_at(key, 0, bytes(32))
    result = busybox(instance, 'true')
    write_at(key, 0, right)
    expect_status(result, 126)
    expect_status(busybox(instance, 'true'), 0)


@group.case('a new build by the same signer opens it, a changed image shows through')
def _(instance):
    fresh(instance)
    wrote(instance, '/root/file', 'kept\n')
    instance.add_text('/etc/from-image', 'another image\n')
    instance.build()
    expect_output(busybox(instance, 'cat', '/root/file', '/etc/from-image'), 'kept\nanother image\n')


def read_at(path, offset, size):
    with open(path, 'rb') as file:
        file.seek(offset)
        return file.read(size)


def write_at(path, offset, data):
    with open(path, 'r+b') as file:
        file.seek(offset)
        file.write(data)


if __name__ == '__main__':
    group.main(setup)
