#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Images that are encrypted: made with a key, opened by it alone, and nothing of them in the clear on the host."""
import hashlib
import os
import shutil

from harness import PLATFORM, Group, Instance, Skip, expect, expect_contains, expect_output, expect_status, must, occlum, scratch

group = Group()
SECRET = 'what-only-the-image-knows'


def setup():
    instance = Instance('image-key', persistent=True)
    instance.pack('/bin/busybox')
    instance.add_text('/etc/secret-name-of-a-file', SECRET * 3 + '\n')
    instance.key = os.path.join(scratch(), 'key')
    must([occlum_program(), 'gen-image-key', instance.key])
    instance.build('--image-key', instance.key)
    return instance


def occlum_program():
    return os.path.join(os.environ['OCCLUM_BUILD'], 'bin', 'occlum')


def image_of(instance):
    with open(os.path.join(instance.folder, 'build', 'image.erofs'), 'rb') as file:
        return file.read()


def run(instance, *arguments, key='', **options):
    return occlum('run', *(['--image-key', key or instance.key]), *arguments, cwd=instance.folder, **options)


def refused(result, text):
    expect_status(result, 126)
    expect(text in result.errors and not result.text, f'not refused with {text!r}', result)


@group.case('a key: 32 bytes for its owner alone, another one each time, never written over')
def _(instance):
    expect(os.stat(instance.key).st_mode & 0o777 == 0o600, 'others can read the key')
    with open(instance.key, encoding='ascii') as file:
        text = file.read()
    expect(len(bytes.fromhex(text.strip().replace('-', ''))) == 32, f'not 32 bytes: {text}')
    result = occlum('gen-image-key', instance.key)
    expect_status(result, 1)
    expect('only copy' in result.errors, 'the refusal does not say why', result)
    with open(instance.key, encoding='ascii') as file:
        expect(file.read() == text, 'the key was changed')
    other = os.path.join(scratch(), 'other')
    must([occlum_program(), 'gen-image-key', other])
    with open(other, encoding='ascii') as file:
        expect(file.read() != text, 'the same key twice')
    expect_status(occlum('gen-image-key', '/none/such'), 1)
    expect_status(occlum('gen-image-key'), 2)


@group.case('with the key it runs; nothing of the image stands on the host in the clear')
def _(instance):
    expect_output(run(instance, '/bin/busybox', 'cat', '/etc/secret-name-of-a-file'), SECRET * 3 + '\n')
    expect_output(instance.run('/bin/busybox', 'ls', '/etc/secret-name-of-a-file', env={'OCCLUM_IMAGE_KEY': instance.key}), '/etc/secret-name-of-a-file\n')
    image = image_of(instance)
    for text in (SECRET.encode(), b'secret-name-of-a-file', b'BusyBox', b'\x7fELF', (0xe0f5e1e2).to_bytes(4, 'little')):
        expect(text not in image, f'{text} stands in the image')
    blocks = [image[at:at + 4096] for at in range(0, len(image), 4096)]
    expect(len(set(blocks[:200])) == len(blocks[:200]), 'equal blocks')


@group.case('without a key, with another one, with a file that is no key: said, and nothing runs')
def _(instance):
    refused(instance.run('/bin/busybox', 'true'), 'the image is encrypted')
    other = os.path.join(scratch(), 'another')
    must([occlum_program(), 'gen-image-key', other])
    refused(run(instance, '/bin/busybox', 'true', key=other), 'not the image key')
    for text, message in (('zz', 'not hexadecimal'), ('01-02', 'found 2 bytes'), ('00-' * 33 + '00', 'found 34 bytes'), ('', 'found 0 bytes')):
        with open(other, 'w', encoding='ascii') as file:
            file.write(text)
        result = run(instance, '/bin/busybox', 'true', key=other)
        expect(result.status == 1 and message in result.errors, f'{text!r} is not refused with {message!r}', result)
    result = run(instance, '/bin/busybox', 'true', key='/none/such')
    expect(result.status == 1 and 'gen-image-key' in result.errors, 'a key that is not there', result)


@group.case('a changed image is told, as without a key')
def _(instance):
    path = os.path.join(instance.folder, 'build', 'image.erofs')
    good = image_of(instance)
    for at in (1024, len(good) // 3):
        bad = bytearray(good)
        bad[at] ^= 1
        with open(path, 'wb') as file:
            file.write(bad)
        result = run(instance, '/bin/busybox', 'cat', '/bin/busybox')
        expect(result.status != 0, f'byte {at} changed and nothing told', result)
    with open(path, 'wb') as file:
        file.write(good)
    expect_status(run(instance, '/bin/busybox', 'true'), 0)


@group.case('the same folder and key give the same image and enclave; another key, or other contents, share no block')
def _(instance):
    def built(*options):
        instance.build('-f', *options)
        return image_of(instance), must([occlum_program(), 'print', 'mrenclave'], cwd=instance.folder).text

    first = built('--image-key', instance.key)
    expect(built('--image-key', instance.key) == first, 'two builds differ')
    other = os.path.join(scratch(), 'third')
    must([occlum_program(), 'gen-image-key', other])
    second = built('--image-key', other)
    expect(second[1] != first[1], 'the enclave is the same')

    def blocks(image):
        return {hashlib.sha256(image[at:at + 4096]).digest() for at in range(0, len(image), 4096)}

    expect(not blocks(first[0]) & blocks(second[0]), 'blocks under two keys are the same')
    instance.add_text('/etc/one-more', 'file\n')
    third = built('--image-key', instance.key)
    expect(not blocks(first[0]) & blocks(third[0]), 'blocks of two images under one key are the same')
    # Without -f another key is noticed too, and so is none.
    expect('Nothing has changed' in instance.build('--image-key', instance.key).text, 'built again for nothing')
    instance.build('--image-key', other)
    refused(run(instance, '/bin/busybox', 'true'), 'not the image key')
    instance.build()
    expect(b'BusyBox' in image_of(instance), 'still encrypted')
    shutil.rmtree(os.path.join(instance.folder, 'run', 'mount', '__ROOT'))
    expect_status(instance.run('/bin/busybox', 'true'), 0)
    shutil.rmtree(os.path.join(instance.folder, 'run', 'mount', '__ROOT'))
    instance.build('--image-key', instance.key)


@group.case('the volume of such an instance has a key of the image key')
def _(instance):
    if PLATFORM != 'sim':
        raise Skip('once is enough')
    expect_output(run(instance, '/bin/busybox', 'tee', '/root/file', stdin='kept\n'), 'kept\n')
    expect_output(run(instance, '/bin/busybox', 'cat', '/root/file'), 'kept\n')
    expect(not os.path.exists(os.path.join(instance.folder, 'run', 'mount', '__ROOT', 'simulation.key')), 'there is a key beside the volume')
    expect_status(occlum('volume', 'check', cwd=instance.folder), 1)
    expect_contains(occlum('volume', 'check', '--image-key', instance.key, cwd=instance.folder), '0 bad')


if __name__ == '__main__':
    group.main(setup)
