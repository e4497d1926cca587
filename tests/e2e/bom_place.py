# SPDX-License-Identifier: BSD-3-Clause
"""Where the tests of copy_bom work: a folder with sources, BOMs and a root."""
import hashlib
import os
import stat
import textwrap

from harness import BUILD, clean_environment, expect, expect_status, run_command, scratch

COPY_BOM = os.path.join(BUILD, 'bin', 'copy_bom')


def snapshot(folder):
    """Every path below a folder with type, mode, time, and contents or link text. None if it is not there."""
    if not os.path.lexists(folder):
        return None
    found = {}
    for path, folders, names in os.walk(folder):
        for name in ['.', *folders, *names]:
            full = os.path.join(path, name)
            status = os.lstat(full)
            content = os.readlink(full) if stat.S_ISLNK(status.st_mode) else None
            if stat.S_ISREG(status.st_mode):
                with open(full, 'rb') as file:
                    content = hashlib.sha256(file.read()).hexdigest()
            found[os.path.relpath(full, folder)] = (status.st_mode, status.st_mtime_ns, status.st_ino, content)
    return found


class Place:
    """A folder to work in: sources in src/, BOMs beside it, the root in root/."""

    count = 0

    def __init__(self):
        Place.count += 1
        self.folder = os.path.join(scratch(), f'bom{Place.count}')
        os.makedirs(self.folder + '/src')
        self.root = self.folder + '/root'

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text='', mode=0o644, time=None):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, mode)
        if time is not None:
            os.utime(path, ns=(time, time))
        return path

    def link(self, text, name):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(text, path)

    def run(self, *options, bom='bom.yaml', env=None, stdin=b''):
        return run_command([COPY_BOM, '-f', bom, '--root', 'root', *options], cwd=self.folder, env=clean_environment(env), stdin=stdin)

    def bom(self, text, name='bom.yaml'):
        return self.write(name, textwrap.dedent(text).lstrip('\n'))

    def copy(self, text, *options, **more):
        """Runs a BOM that must work."""
        self.bom(text)
        result = self.run(*options, **more)
        expect_status(result, 0)
        return result

    def read(self, name):
        with open(os.path.join(self.root, name.lstrip('/')), 'rb') as file:
            return file.read().decode()

    def has(self, *names):
        return all(os.path.lexists(os.path.join(self.root, name.lstrip('/'))) for name in names)

    def tree(self):
        """All paths in the root, as text."""
        found = []
        for path, folders, names in os.walk(self.root):
            found += [os.path.relpath(os.path.join(path, name), self.root) for name in folders + names]
        return sorted(found)

    def expect_tree(self, *wanted):
        expect(self.tree() == sorted(wanted), f'the root holds {self.tree()}, not {sorted(wanted)}')
