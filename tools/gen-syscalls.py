#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes the system-call table's C code and documentation from libos/syscall/syscalls.tbl (its head explains the format).

usage: gen-syscalls.py TABLE {prototypes|table|doc} OUTPUT
"""
import re
import sys

UNISTD = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"


class Row:
    def __init__(self, line):
        line, _, self.missing = (part.strip() for part in line.partition(";"))
        m = re.fullmatch(r"(\d+)\s+(\w+)\s+(full|partial)\s+(\w+)\s*\((.*)\)", line)
        if not m:
            raise SystemExit(f"gen-syscalls: bad line: {line}")
        self.number, self.name, self.status, self.folder, self.params = m.groups()
        self.number = int(self.number)
        self.types = [] if self.params.strip() in ("void", "") else [self.type_of(p) for p in self.params.split(",")]
        if self.status == "partial" and not self.missing:
            raise SystemExit(f"gen-syscalls: {self.name}: partial, but what is missing?")

    @staticmethod
    def type_of(param):
        return re.match(r"(.*?)\w+$", param.strip()).group(1).strip()

    def call(self):
        args = []
        for i, t in enumerate(self.types):
            args.append(f"({t})(uintptr_t)a[{i}]" if "*" in t else f"({t})a[{i}]")
        return f"sys_{self.name}({', '.join(args)})"

    def format(self):
        """A letter for each argument (libos/syscall/trace.c): by its name where that tells more than its type."""
        if self.params.strip() in ("void", ""):
            return ""
        names = [re.search(r"(\w+)$", p.strip()).group(1) for p in self.params.split(",")]
        return "".join(self.letter(t, n, names[i + 1:i + 2]) for i, (t, n) in enumerate(zip(self.types, names)))

    @staticmethod
    def letter(kind, name, following):
        if "*" in kind:
            if "char" in kind and "const" in kind:
                return "s"
            return "b" if "const void" in kind and following == ["size"] else "p"
        if name in ("dirfd", "old_dirfd", "new_dirfd", "olddirfd", "newdirfd"):
            return "f"
        if name == "mode" and kind == "u32":
            return "m"
        return {"int": "d", "u32": "u", "s64": "D", "u64": "x", "size_t": "U"}.get(kind, "x")


def read(path):
    rows = {}
    for line in open(path):
        line = line.split("#")[0].strip()
        if line:
            row = Row(line)
            if row.number in rows:
                raise SystemExit(f"gen-syscalls: {row.name}: number {row.number} twice")
            rows[row.number] = row
    return rows


def names():
    found = {}
    for line in open(UNISTD):
        m = re.match(r"#define __NR_(\w+) (\d+)", line)
        if m:
            found[int(m.group(2))] = m.group(1)
    return found


HEAD = "// SPDX-License-Identifier: BSD-3-Clause\n// Made by tools/gen-syscalls.py from libos/syscall/syscalls.tbl. Do not edit.\n"


def prototypes(rows):
    out = HEAD + '#pragma once\n\n#include "libos/syscall/types.h"\n\n'
    return out + "".join(f"long sys_{r.name}({r.params});\n" for _, r in sorted(rows.items()))


def table(rows):
    known = names()
    out = HEAD + '#include "libos/syscall/dispatch.h"\n#include "libos/syscall/prototypes.h"\n\n'
    for _, r in sorted(rows.items()):
        unused = "" if r.types else "    (void)a;\n"
        out += f"static long call_{r.name}(const u64 a[6])\n{{\n{unused}    return {r.call()};\n}}\n\n"
    out += "const struct syscall_entry syscall_table[] = {\n"
    for number in range(max(max(known), max(rows)) + 1):
        if number in rows:
            r = rows[number]
            out += f'    [{number}] = {{ call_{r.name}, "{r.name}", "{r.format()}" }},\n'
        elif number in known:
            out += f'    [{number}] = {{ NULL, "{known[number]}", "" }},\n'
    return out + "};\nconst u32 syscall_table_size = sizeof(syscall_table) / sizeof(syscall_table[0]);\n"


def doc(rows):
    known = names()
    for n, r in rows.items():
        if known.get(n) != r.name:
            raise SystemExit(f"gen-syscalls: {n} is {known.get(n)}, not {r.name}")
    full = sum(r.status == "full" for r in rows.values())
    out = "# System calls\n\nMade from `src/libos/syscall/syscalls.tbl`. "
    out += f"{full} full, {len(rows) - full} partial, {len(known) - len(rows)} not (they answer ENOSYS and are named once in the log).\n\n"
    out += "| number | name | state | missing |\n|---|---|---|---|\n"
    for n, name in sorted(known.items()):
        r = rows.get(n)
        out += f"| {n} | {name} | {r.status if r else 'not'} | {r.missing if r else ''} |\n"
    return out


def main():
    path, kind, output = sys.argv[1:4]
    text = {"prototypes": prototypes, "table": table, "doc": doc}[kind](read(path))
    with open(output, "w") as f:
        f.write(text)


main()
