#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks the layering of the sources and the shape of the linked enclave. Prints TAP.

usage: check_layers.py PROJECT_FOLDER [ENCLAVE_ELF]

Each check is first run against a planted fault that it must find (self-test), so that a check that cannot fail is seen.
"""
import os
import re
import subprocess
import sys
import tempfile
import tomllib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import enclave_elf  # noqa: E402

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


class Tree:
    """The C sources below src/ and emulator/, each with the project headers it includes."""

    def __init__(self, project):
        self.project = project
        self.includes = {}
        self.texts = {}
        self.folders = set()
        for top, prefix in (('src', ''), ('emulator', 'emulator/')):
            self.read(os.path.join(project, top), prefix)

    def read(self, root, prefix):
        for folder, _, names in os.walk(root):
            for name in names:
                if not name.endswith(('.c', '.h', '.S')):
                    continue
                path = os.path.join(folder, name)
                relative = prefix + os.path.relpath(path, root)
                with open(path, encoding='utf-8') as file:
                    self.texts[relative] = file.read()
                # emulator/ is a program of its own: its includes are written from its own folder.
                self.includes[relative] = [prefix + header if prefix and os.path.exists(os.path.join(root, header)) else header
                                           for header in INCLUDE.findall(self.texts[relative])]
                self.folders.add(os.path.dirname(relative))


def layer_of(path, names):
    """The layer of a path from src/: the longest listed name that is a prefix of its folders."""
    folder = os.path.dirname(path)
    fitting = [name for name in names if folder == name or folder.startswith(name + '/')]
    return max(fitting, key=len) if fitting else None


def check_edges(tree, rules):
    """Rule 1: only the listed edges between layers."""
    edges, faults = rules['edges'], []
    for source, headers in sorted(tree.includes.items()):
        layer = layer_of(source, edges)
        if layer is None:
            faults.append(f'{source}: its folder is no layer of layers.toml')
            continue
        for header in headers:
            if '/' not in header:
                # A private header of emulator/ or a fixed name the build makes; it cannot leave its folder.
                continue
            target = os.path.dirname(header)
            if target == layer or target.startswith(layer + '/'):
                continue
            if any(target == to or target.startswith(to + '/') for to in edges[layer]):
                continue
            faults.append(f'{source} includes {header}: {layer} may include only {edges[layer]}')
    return faults


def check_libos_order(tree, rules):
    """Rule 3: a folder of libos includes folders to its left."""
    order, faults = rules['libos']['order'], []
    for source, headers in sorted(tree.includes.items()):
        parts = source.split('/')
        if parts[0] != 'libos' or len(parts) < 3:
            continue
        if parts[1] not in order:
            faults.append(f'{source}: libos/{parts[1]} has no place in the order')
            continue
        for header in headers:
            to = header.split('/')
            if to[0] != 'libos' or len(to) < 3 or header in rules['generated']['headers']:
                continue
            if to[1] not in order:
                faults.append(f'{source} includes {header}: libos/{to[1]} has no place in the order')
            elif order.index(to[1]) > order.index(parts[1]):
                faults.append(f'{source} includes {header}: {to[1]} stands right of {parts[1]}')
    return faults


def check_host_door(tree, rules):
    """Rule 4: host calls are made from few places."""
    door, faults = rules['host_door'], []
    for source, headers in sorted(tree.includes.items()):
        if door['header'] in headers and not any(source == user or source.startswith(user + '/') for user in door['users']):
            faults.append(f'{source} includes {door["header"]}: only {door["users"]} may')
    return faults


def check_cycles(tree, _rules):
    """Rule 2: headers include each other in no cycle."""
    faults, done = [], set()

    def visit(path, trail):
        if path in trail:
            faults.append('include cycle: ' + ' -> '.join(trail[trail.index(path):] + [path]))
            return
        if path in done:
            return
        for header in tree.includes.get(path, []):
            visit(header, trail + [path])
        done.add(path)

    for path in sorted(tree.includes):
        if path.endswith('.h'):
            visit(path, [])
    return faults


def check_files(tree, rules):
    """Budgets and the first lines of files."""
    faults, limit = [], rules['budgets']['file_lines']
    for path, text in sorted(tree.texts.items()):
        lines = text.split('\n')
        if len(lines) > limit:
            faults.append(f'{path}: {len(lines)} lines, the budget is {limit}')
        if 'SPDX-License-Identifier: BSD-3-Clause' not in lines[0]:
            faults.append(f'{path}: the first line is not the SPDX line')
        if path.endswith('.h') and '#pragma once' not in text and '#ifndef' not in text:
            faults.append(f'{path}: no #pragma once')
    return faults


def check_functions(tree, rules):
    """The length of functions: lines between the braces that stand alone in the first column, as clang-format puts them."""
    faults, limit = [], rules['budgets']['function_lines']
    for path, text in sorted(tree.texts.items()):
        start = None
        for number, line in enumerate(text.split('\n'), 1):
            if line == '{':
                start = number
            elif line.startswith('}') and start:
                if number - start - 1 > limit:
                    faults.append(f'{path}:{start}: a function of {number - start - 1} lines, the budget is {limit}')
                start = None
    return faults


def blanked(text):
    """The text with comments, strings and characters blanked, line by line as it was."""
    def blank(match):
        return re.sub(r'[^\n]', ' ', match.group(0))
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def nested_conditionals(text):
    """Lines of statements in which a ?: stands inside another, and how many do."""
    text, found = blanked(text), []
    for match in re.finditer(r'[^;{}]+', text):
        depth, open_at, nested = 0, [], 0
        for char in match.group(0) if '?' in match.group(0) else '':
            if char in '([':
                depth += 1
            elif char in ')]':
                depth -= 1
                open_at = [at for at in open_at if at <= depth]
            elif char == ',':
                open_at = [at for at in open_at if at < depth]
            elif char == '?':
                nested += bool(open_at)
                open_at.append(depth)
        if nested:
            lead = len(match.group(0)) - len(match.group(0).lstrip())
            found.append((text.count('\n', 0, match.start() + lead) + 1, nested))
    return found


def check_conditionals(tree, rules):
    """?: inside ?: : three that meet are refused, of two there may be no more than there were."""
    faults, limit, two = [], rules['budgets']['nested_conditionals'], []
    for path, text in sorted(tree.texts.items()):
        for line, nested in nested_conditionals(text):
            if nested > 1:
                faults.append(f'{path}:{line}: {nested + 1} conditional operators meet')
            two.append(f'{path}:{line}')
    if len(two) > limit:
        faults.append(f'{len(two)} places where ?: stands inside ?:, the budget is {limit}: {", ".join(two)}')
    return faults


def check_readmes(tree, _rules):
    """Each folder of src/ that holds C explains itself."""
    faults = []
    for folder in sorted(tree.folders):
        base = tree.project if folder.startswith('emulator') else os.path.join(tree.project, 'src')
        if folder and not os.path.exists(os.path.join(base, folder, 'README.md')):
            faults.append(f'{folder}: no README.md')
    return faults


# name, check, files of a small tree with one planted fault, a part of the report that must come
SOURCE_CHECKS = [
    ('allowed include edges between layers', check_edges,
     {'src/base/a.c': '#include "libos/vm/vm.h"\n'}, 'base/a.c includes libos/vm/vm.h'),
    ('host and enclave do not include each other', check_edges,
     {'src/loader/a.c': '#include "trusted/exit.h"\n'}, 'loader/a.c includes trusted/exit.h'),
    ('the emulator\'s CPU does not know its driver', check_edges,
     {'emulator/front/cpu/a.c': '#include "front/driver/epc.h"\n', 'emulator/front/driver/epc.h': ''}, 'emulator/front/cpu/a.c includes emulator/front/driver/epc.h'),
    ('the emulator knows abi/sgx only', check_edges,
     {'emulator/a.c': '#include "abi/occlum/entry.h"\n'}, 'emulator/a.c includes abi/occlum/entry.h'),
    ('order of the folders of libos', check_libos_order,
     {'src/libos/vm/a.c': '#include "libos/process/process.h"\n'}, 'process stands right of vm'),
    ('host calls only from their users', check_host_door,
     {'src/libos/fs/a.c': '#include "trusted/ocall.h"\n'}, 'libos/fs/a.c includes trusted/ocall.h'),
    ('no include cycle', check_cycles,
     {'src/base/a.h': '#include "base/b.h"\n', 'src/base/b.h': '#include "base/a.h"\n'}, 'include cycle'),
    ('file budgets and first lines', check_files,
     {'src/base/a.c': '// SPDX-License-Identifier: BSD-3-Clause\n' + '\n' * 900}, 'the budget is'),
    ('the length of functions', check_functions, {'src/base/a.c': 'int f(void)\n{\n' + '    g();\n' * 61 + '}\n'}, 'a function of 61 lines'),
    ('conditionals in conditionals', check_conditionals, {'src/base/a.c': 'int a = b ? 1 : c ? 2 : d ? 3 : 4; // ?\n'},
     'base/a.c:1: 3 conditional operators meet'),
    ('a README.md in each folder', check_readmes, {'src/base/a.c': ''}, 'base: no README.md'),
]


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = False

    def point(self, good, name, faults=()):
        self.count += 1
        self.failed = self.failed or not good
        print(f'{"ok" if good else "not ok"} {self.count} - {name}')
        for fault in faults:
            print('#', fault)

    def end(self):
        print(f'1..{self.count}', flush=True)
        return 1 if self.failed else 0


def plant(files):
    folder = tempfile.TemporaryDirectory()
    for path, text in files.items():
        full = os.path.join(folder.name, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'w', encoding='utf-8') as file:
            file.write(text)
    return folder


def main():
    project = sys.argv[1]
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'layers.toml'), 'rb') as file:
        rules = tomllib.load(file)
    tap = Tap()
    for name, check, files, wanted in SOURCE_CHECKS:
        with plant(files) as folder:
            faults = check(Tree(folder), rules)
        tap.point(any(wanted in fault for fault in faults), f'planted fault is found: {name}', faults)
    tree = Tree(project)
    for name, check, _, _ in SOURCE_CHECKS:
        faults = check(tree, rules)
        tap.point(not faults, name, faults)
    if len(sys.argv) > 2:
        for name, good, faults in enclave_elf.self_test(rules):
            tap.point(good, f'planted fault is found: {name}', faults)
        for name, faults in enclave_elf.check(sys.argv[2], rules):
            tap.point(not faults, f'enclave: {name}', faults)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
