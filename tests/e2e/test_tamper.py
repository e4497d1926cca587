#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""1,000 random single-byte changes of a built image: an error or the right bytes, never wrong ones."""
import os
import random
import shutil
import subprocess

from harness import OCCLUM, RUN_TIMEOUT, Group, Instance, clean_environment, communicate, compile_program, expect, expect_status, kill_group, limits, run_command, scratch

group = Group()
CHANGES = 1000
SEED = 20261123


def setup():
    # A debuggable enclave says why it refuses to start.
    instance = Instance('tamper', **{'metadata.debuggable': True})
    generator = random.Random(SEED)
    for number in range(60):
        folder = f'/opt/data/{number % 7}/{"deep/" * (number % 3)}'
        instance.add_text(f'{folder}file{number}', ''.join(generator.choice('0123456789abcdef\n') for _ in range(generator.randrange(20000))))
    os.symlink('0/file0', os.path.join(instance.image, 'opt/data/link'))
    compiler = 'musl-gcc' if shutil.which('musl-gcc') else 'gcc'
    instance.digest = compile_program('digest', '-static', '-no-pie', compiler=compiler)
    instance.pack(instance.digest + '=/bin/digest')
    instance.compile('read_later', flags=('-static',))
    instance.add_text('/opt/late/large', 'x' * (400 << 10))
    instance.build()
    instance.image_file = os.path.join(instance.folder, 'build', 'image.erofs')
    result = instance.run('/bin/digest', '/opt/data', '/opt/data')
    expect_status(result, 0)
    instance.right = sorted(result.text.splitlines())
    return instance


def wrong_lines(instance, status, text):
    """What of a reading is neither right nor an error: wrong bytes, sizes, names; or entries silently lacking."""
    lines = text.splitlines()
    wrong = [line for line in lines if line not in instance.right and ' error ' not in line]
    if status == 0 and not wrong and sorted(lines) != instance.right:
        wrong = ['status 0, but entries are lacking']
    return wrong


@group.case('the untouched image reads as it was packed')
def _(instance):
    native = run_command([instance.digest, instance.image + '/opt/data', instance.image + '/opt/data'])
    expect(sorted(native.text.splitlines()) == instance.right, 'the image is not what was packed', native)
    expect(len(instance.right) > 60, 'too few entries')


class Changed:
    """The image file with one byte changed, put right again at the end."""

    def __init__(self, path, offset, flip):
        self.path, self.offset, self.flip = path, offset, flip

    def turn(self):
        with open(self.path, 'r+b') as file:
            file.seek(self.offset)
            byte = file.read(1)[0]
            file.seek(self.offset)
            file.write(bytes([byte ^ self.flip]))

    def __enter__(self):
        self.turn()

    def __exit__(self, *_):
        self.turn()


@group.case('the judge catches a reader that skips verification')
def _(instance):
    """fsck.erofs --extract reads the same image without the hash tree."""
    with open(os.path.join(instance.image, 'opt/data/3/file3'), 'rb') as file:
        needle = file.read()[:64]
    with open(instance.image_file, 'rb') as file:
        offset = file.read().find(needle)
    expect(offset > 0, 'the file is not in the image as it is')
    target = os.path.join(scratch(), 'extracted')
    with Changed(instance.image_file, offset + 10, 1):
        extracted = run_command(['fsck.erofs', '--extract=' + target, instance.image_file])
    result = run_command([instance.digest, target + '/opt/data', target + '/opt/data'])
    expect(wrong_lines(instance, result.status, result.text), 'a wrong byte was not seen', extracted, result)
    shutil.rmtree(target, ignore_errors=True)


@group.case('the same change inside: an error, no wrong byte')
def _(instance):
    with open(os.path.join(instance.image, 'opt/data/3/file3'), 'rb') as file:
        needle = file.read()[:64]
    with open(instance.image_file, 'rb') as file:
        offset = file.read().find(needle)
    with Changed(instance.image_file, offset + 10, 1):
        result = instance.run('/bin/digest', '/opt/data', '/opt/data')
    expect(not wrong_lines(instance, result.status, result.text), 'wrong bytes', result)
    expect('error' in result.text and 'EIO' in result.text, 'no EIO', result)


@group.case('the same where the image is read by host calls')
def _(instance):
    env = {'OCCLUM_NO_IMAGE_MAP': '1'}
    result = instance.run('/bin/digest', '/opt/data', '/opt/data', env=env)
    expect(result.status == 0 and sorted(result.text.splitlines()) == instance.right, 'the untouched image', result)
    with open(os.path.join(instance.image, 'opt/data/3/file3'), 'rb') as file:
        needle = file.read()[:64]
    with open(instance.image_file, 'rb') as file:
        offset = file.read().find(needle)
    with Changed(instance.image_file, offset + 10, 1):
        result = instance.run('/bin/digest', '/opt/data', '/opt/data', env=env)
    expect(not wrong_lines(instance, result.status, result.text), 'wrong bytes', result)
    expect('error' in result.text and 'EIO' in result.text, 'no EIO', result)


@group.case('an image that shrinks while the program runs: EIO, and the program goes on')
def _(instance):
    with open(instance.image_file, 'rb') as file:
        whole = file.read()
    for env in {}, {'OCCLUM_NO_IMAGE_MAP': '1'}:
        process = subprocess.Popen([OCCLUM, 'run', '/bin/read_later', '/opt/late/large', '/opt/late/none'], cwd=instance.folder, env=clean_environment(env),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        try:
            expect(process.stdout.readline() == b'ready\n', 'it did not start')
            os.truncate(instance.image_file, 4096)
            out, err, timed_out = communicate(process, b'go\n', limits.Deadline(RUN_TIMEOUT))
        finally:
            kill_group(process)
            with open(instance.image_file, 'wb') as file:
                file.write(whole)
        lines = out.decode().split()
        expect(not timed_out and process.returncode == 0 and lines[0] == 'EIO' and lines[1] in ('EIO', 'ENOENT'), f'{process.returncode} {out} {err}')


@group.case(f'{CHANGES} random changes')
def _(instance):
    generator = random.Random(SEED)
    size = os.path.getsize(instance.image_file)
    refused = failed = unharmed = 0
    for _ in range(CHANGES):
        offset, flip = generator.randrange(size), 1 << generator.randrange(8)
        with Changed(instance.image_file, offset, flip):
            result = instance.run('/bin/digest', '/opt/data', '/opt/data')
        wrong = wrong_lines(instance, result.status, result.text)
        expect(not wrong, f'offset {offset} ^ {flip}: wrong {wrong[:3]}', result)
        expect(not result.timed_out, f'offset {offset} ^ {flip}: it hangs', result)
        # 135 is SIGBUS: a page of the mapped program itself was the changed one; 137 is SIGKILL, when execve could not go back any
        # more (as on Linux). Another signal would be a crash.
        expect(result.status in (0, 1, 125, 126, 127, 135, 137), f'offset {offset} ^ {flip}: status', result)
        if result.status == 0:
            unharmed += 1
        elif result.text:
            failed += 1
        else:
            refused += 1
            expect(result.status in (135, 137) or result.errors.strip(), f'offset {offset} ^ {flip}: refused without a word', result)
    print(f'# of {CHANGES}: {refused} starts refused, {failed} with errors, {unharmed} that touched nothing that was read')
    expect(refused + failed > CHANGES // 10, 'hardly any change was noticed')


@group.case('a shortened image is refused')
def _(instance):
    whole = instance.image_file + '.whole'
    os.rename(instance.image_file, whole)
    try:
        for part in (0, 100, 4096, os.path.getsize(whole) // 2):
            with open(whole, 'rb') as source, open(instance.image_file, 'wb') as target:
                target.write(source.read(part))
            result = instance.run('/bin/digest', '/opt/data', '/opt/data')
            expect(result.status != 0 and result.status < 128, f'{part} bytes: status', result)
            expect(not wrong_lines(instance, result.status, result.text), 'wrong bytes', result)
    finally:
        os.replace(whole, instance.image_file)


if __name__ == '__main__':
    group.main(setup)
