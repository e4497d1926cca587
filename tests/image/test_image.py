#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The image packer against independent readers: the source folder, fsck.erofs, veritysetup."""
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import limits  # noqa: E402

HANG = 120 * limits.scale() * limits.LARGEST_LOAD
TOOL = sys.argv[1]
FAILED = []
COUNT = 0


def check(name, good, detail=''):
    global COUNT
    COUNT += 1
    print(f'{"ok" if good else "not ok"} {COUNT} - {name}')
    if not good:
        FAILED.append(name)
        print('\n'.join('# ' + line for line in str(detail).splitlines()[:20]))


def tool(*args, **options):
    return subprocess.run([TOOL, *args], capture_output=True, text=True, errors='replace', timeout=HANG, **options)


def write(path, data, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        file.write(data)
    os.chmod(path, mode)


def make_tree(root):
    for size in (0, 1, 4095, 4096, 4097, 8192, 1 << 20):
        write(f'{root}/sizes/{size}', (hashlib.sha256(b'%d' % size).digest() * (size // 32 + 1))[:size])
    write(root + '/deep/' + 'x/' * 60 + 'bottom', b'deep')
    for number in range(5000):
        write(f'{root}/many/{number:04}-{"n" * (number % 40)}', b'%d' % number)
    os.makedirs(root + '/empty')
    os.symlink('sizes/4097', root + '/link')
    os.symlink('/' + 'long/' * 200, root + '/long-link')
    os.link(root + '/sizes/4097', root + '/sizes/again')
    for mode in (0o000, 0o111, 0o600, 0o4755, 0o2711):
        write(f'{root}/modes/{mode:o}', b'mode', mode)
    os.makedirs(root + '/modes/sticky')
    os.chmod(root + '/modes/sticky', 0o1777)
    os.mkfifo(root + '/fifo')
    write(root + '/' + 'n' * 254, b'long name') # mkfs.erofs 1.5 itself refuses 255
    write(root + '/bytes-\udcff\udc80'.encode('utf8', 'surrogateescape').decode('utf8', 'surrogateescape'), b'not UTF-8')
    shutil.copy('/bin/true', root + '/true')
    shutil.copy('/lib/x86_64-linux-gnu/libc.so.6', root + '/libc.so.6')


def describe(root):
    lines = []
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in folders + files:
            path = os.path.join(folder, name)
            st = os.lstat(path)
            content = b''
            if stat.S_ISLNK(st.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(st.st_mode):
                with open(path, 'rb') as file:
                    content = hashlib.sha256(file.read()).hexdigest().encode()
            size, links = (0, 0) if stat.S_ISDIR(st.st_mode) else (st.st_size, st.st_nlink)
            lines.append(b'%s\t%o\t%d\t%d\t%d\t%s' % (path[len(root):], st.st_mode, size, links, st.st_mtime_ns if stat.S_ISREG(st.st_mode) else 0, content))
    return sorted(lines)


def facts_of(text):
    return dict(line.split() for line in text.splitlines())


def compare_with_source(work, tree):
    image, params = work + '/image', work + '/params'
    built = tool('build', tree, image, params)
    check('builds', built.returncode == 0, built.stderr)
    facts = facts_of(built.stdout)
    listed = subprocess.run([TOOL, 'list', image, params], capture_output=True, timeout=HANG)
    ours, theirs = sorted(listed.stdout.splitlines()), describe(tree)
    difference = [line for line in ours if line not in set(theirs)] + [line for line in theirs if line not in set(ours)]
    check('every path as in the source folder', listed.returncode == 0 and ours == theirs and len(ours) > 5000, difference[:5])
    check('call sites of libc are in the image', int(facts['sites_size']) > 1000, facts)
    return image, params, facts


def independent_readers(image, facts):
    fsck = subprocess.run(['fsck.erofs', image], capture_output=True, text=True)
    check('fsck.erofs accepts it', fsck.returncode == 0, fsck.stdout + fsck.stderr)
    verity = shutil.which('veritysetup') or '/usr/sbin/veritysetup'
    command = [verity, 'verify', '--no-superblock', '--hash=sha256', '--format=1', '--data-block-size=4096', '--hash-block-size=4096',
               '--salt=' + facts['salt'], '--data-blocks=' + facts['data_blocks'],
               '--hash-offset=%d' % (int(facts['hash_start_block']) * 4096), image, image]
    good = subprocess.run(command + [facts['root']], capture_output=True, text=True)
    check('veritysetup verify accepts it', good.returncode == 0, good.stdout + good.stderr)
    other = ('0' if facts['root'][0] != '0' else '1') + facts['root'][1:]
    bad = subprocess.run(command + [other], capture_output=True, text=True)
    check('veritysetup verify refuses another root hash', bad.returncode != 0)


def same_bytes(work, tree, image, facts):
    copy = work + '/elsewhere/tree'
    shutil.copytree(tree, copy, symlinks=True, copy_function=shutil.copy2, ignore=shutil.ignore_patterns('fifo'))
    os.mkfifo(copy + '/fifo')
    os.remove(copy + '/sizes/again')
    os.link(copy + '/sizes/4097', copy + '/sizes/again')
    with open(image, 'rb') as file:
        first = file.read()
    tool('build', tree, work + '/second', work + '/params2')
    with open(work + '/second', 'rb') as file:
        check('two builds give the same bytes', first == file.read())
    one_time = {**os.environ, 'SOURCE_DATE_EPOCH': '1000000000'}
    here, there = (facts_of(tool('build', folder, work + '/third', work + '/params3', env=one_time).stdout) for folder in (tree, copy))
    check('a copy of the folder, all times the same, has the same root hash', here['root'] == there['root'] != facts['root'])


def tampering(work):
    small = work + '/small'
    for number in range(40):
        write(f'{small}/{number}', hashlib.sha256(b'%d' % number).digest() * (number * 10))
    shutil.copy('/bin/true', small + '/true')
    check('a small image builds', tool('build', small, work + '/s', work + '/sp').returncode == 0)
    planted = tool('tamper', work + '/s', work + '/sp', '1000', 'skip')
    check('the runner catches a reader that skips verification', planted.returncode == 1 and ' 0 wrong' not in planted.stdout,
          planted.stdout)
    print('#', planted.stdout.strip())
    result = tool('tamper', work + '/s', work + '/sp', '1000', 'check')
    check('1,000 changes: no wrong byte, none unseen', result.returncode == 0, result.stdout)
    print('#', result.stdout.strip())


def refusals(work, tree):
    write(work + '/old', b'the old image')

    def kept():
        with open(work + '/old', 'rb') as file:
            return file.read() == b'the old image' and not [name for name in os.listdir(work) if name.startswith('old.')]

    result = tool('build', tree, work + '/old', work + '/p', env={'PATH': '/nonexistent'})
    check('without mkfs.erofs the package is named', result.returncode == 1 and 'erofs-utils' in result.stderr and kept(), result.stderr)
    result = tool('build', work + '/missing', work + '/old', work + '/p')
    check('a missing folder is named', result.returncode == 1 and '/missing' in result.stderr and kept(), result.stderr)
    result = tool('build', tree, work + '/missing/image', work + '/p')
    check('a missing output folder is named', result.returncode == 1 and '/missing/image' in result.stderr
          and 'No such file' in result.stderr and 'erofs-utils' not in result.stderr, result.stderr)
    command = ['sh', '-c', 'ulimit -f 200; trap "" XFSZ; exec "$@"', 'sh', TOOL, 'build', tree, work + '/old', work + '/p']
    result = subprocess.run(command, capture_output=True, text=True)
    check('a full disk (file size limit) leaves the old image', result.returncode == 1 and result.stderr.strip() and kept(), result.stderr)
    write(work + '/old.tmp', b'left by a killed build' * 1000000)
    result = tool('build', work + '/small', work + '/old', work + '/p')
    check('what a killed build left is replaced', result.returncode == 0 and not os.path.exists(work + '/old.tmp')
          and os.path.getsize(work + '/old') == os.path.getsize(work + '/s'), result.stderr)


def main():
    with tempfile.TemporaryDirectory() as work:
        tree = work + '/tree'
        make_tree(tree)
        image, _, facts = compare_with_source(work, tree)
        independent_readers(image, facts)
        same_bytes(work, tree, image, facts)
        tampering(work)
        refusals(work, tree)
    print(f'1..{COUNT}')
    return 1 if FAILED else 0


if __name__ == '__main__':
    sys.exit(main())
