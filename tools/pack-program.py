#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Copies programs and trees into an image folder, with the libraries they need.

For every ELF file copied, the program interpreter (PT_INTERP) and the closure of DT_NEEDED come along, to the paths at
which the dynamic linker will look for them. A file keeps the path it has on this machine, unless PATH=TARGET is given.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

LIBRARY_FOLDERS = ['/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu', '/lib64', '/usr/lib64', '/lib', '/usr/lib']


def is_elf(path):
    try:
        with open(path, 'rb') as file:
            return file.read(4) == b'\x7fELF'
    except OSError:
        return False


def read_elf(path):
    """Returns (interpreter or None, needed names, run path folders)."""
    text = subprocess.run(['readelf', '-lWd', path], capture_output=True, text=True, check=True).stdout
    interpreter = re.search(r'Requesting program interpreter: ([^\]]+)\]', text)
    needed = re.findall(r'\(NEEDED\).*\[([^\]]+)\]', text)
    origin = os.path.dirname(os.path.realpath(path))
    folders = []
    for value in re.findall(r'\((?:RUNPATH|RPATH)\).*\[([^\]]+)\]', text):
        folders += [folder.replace('$ORIGIN', origin) for folder in value.split(':')]
    return interpreter and interpreter.group(1), needed, folders


class Packer:
    def __init__(self, image):
        self.image = image
        self.resolved = set()

    def target(self, path):
        """The place in the image, through the symbolic links of folders that the image has (as /lib -> usr/lib)."""
        folder, name = os.path.split(path.lstrip('/'))
        return os.path.join(self.image, folder, name)

    def copy_file(self, source, target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.lexists(target):
            os.unlink(target)
        # Contents, not links: the image then needs nothing of this machine.
        shutil.copy2(source, target)

    def find_library(self, name, folders):
        for folder in folders + LIBRARY_FOLDERS:
            path = os.path.join(folder, name)
            if is_elf(path):
                return path
        sys.exit(f'pack-program.py: library {name} is not on this machine')

    def add_libraries(self, path):
        interpreter, needed, folders = read_elf(path)
        # musl's dynamic linker is its libc, under whatever name a program asks for that.
        own = {'libc.so'} if interpreter and 'ld-musl' in interpreter else set()
        found = [self.find_library(name, folders) for name in needed if name not in own]
        if interpreter:
            found.append(interpreter)
        for library in found:
            if library in self.resolved:
                continue
            self.resolved.add(library)
            self.copy_file(os.path.realpath(library), self.target(library))
            self.add_libraries(library)

    def add(self, source, target, exclude):
        if os.path.isdir(source):
            ignore = shutil.ignore_patterns(*exclude) if exclude else None
            shutil.copytree(source, self.target(target), symlinks=True, ignore=ignore, dirs_exist_ok=True)
            for folder, _, names in os.walk(self.target(target)):
                for name in names:
                    file = os.path.join(folder, name)
                    if not os.path.islink(file) and is_elf(file):
                        self.add_libraries(file)
            return
        self.copy_file(os.path.realpath(source), self.target(target))
        if is_elf(source):
            self.add_libraries(source)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('image', help='the image folder of an instance')
    parser.add_argument('paths', nargs='+', metavar='PATH[=TARGET]', help='file or folder, and its path in the image')
    parser.add_argument('--exclude', action='append', default=[], metavar='PATTERN',
                        help='leave out files and folders of this name when copying a folder')
    arguments = parser.parse_args()
    packer = Packer(arguments.image)
    for item in arguments.paths:
        source, _, target = item.partition('=')
        if not os.path.exists(source):
            sys.exit(f'pack-program.py: {source} is not there')
        packer.add(source, target or os.path.abspath(source), arguments.exclude)


if __name__ == '__main__':
    main()
