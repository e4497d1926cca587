#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes the host-call stubs from abi/occlum/ocalls.tbl (its head explains the format).

usage: gen-ocalls.py TABLE {numbers|enclave-h|enclave-c|host-h|host-c|fuzz-c|doc} OUTPUT
"""
import re
import sys

VALUE = {"int": "int", "u32": "u32", "u64": "u64", "s64": "s64", "size": "size_t"}


class Arg:
    def __init__(self, text):
        self.name, spec = (s.strip() for s in text.split(":"))
        self.dir, self.type, self.count = None, spec, None
        m = re.fullmatch(r"(in|out) (\w+)(?:\[(\w+)\])?", spec)
        if m:
            self.dir, self.type, self.count = m.groups()
        elif spec not in VALUE:
            raise SystemExit(f"gen-ocalls: bad argument: {text}")

    def ctype(self):
        return {"bytes": "void", "str": "char", "s16": "s16", "u32": "u32", "u64": "u64"}.get(self.type, f"struct {self.type}")

    def param(self):
        if not self.dir:
            return f"{VALUE[self.type]} {self.name}"
        const = "const " if self.dir == "in" else ""
        return f"{const}{self.ctype()} *{self.name}"

    def elem(self):
        return "1" if self.type == "bytes" else f"sizeof({self.ctype()})"


class Call:
    def __init__(self, line):
        m = re.fullmatch(r"(\w+)\s*\((.*)\) -> ([\w.]+)( !)?", line)
        if not m:
            raise SystemExit(f"gen-ocalls: bad line: {line}")
        self.name, args, self.result, fatal = m.groups()
        self.fatal = bool(fatal)
        self.args = [Arg(a) for a in re.split(r",\s*", args) if a]
        if len(self.args) > 8:
            raise SystemExit(f"gen-ocalls: too many arguments: {line}")

    def size_arg(self, arg):
        """The C expression for the number of elements of a buffer argument."""
        if arg.count == "ret":
            return self.result.split("..")[1]
        return arg.count or "1"

    def params(self):
        return ", ".join(a.param() for a in self.args)


def read_table(path):
    lines = (line.split("#")[0].strip() for line in open(path))
    return [Call(line) for line in lines if line]


HEAD = "// SPDX-License-Identifier: BSD-3-Clause\n// Made by tools/gen-ocalls.py from abi/occlum/ocalls.tbl. Do not edit.\n"


def numbers(calls):
    body = "".join(f"    OCALL_{c.name.upper()} = {i},\n" for i, c in enumerate(calls))
    return HEAD + f"#pragma once\n\nenum ocall_number {{\n{body}    OCALL_COUNT = {len(calls)},\n}};\n"


def enclave_h(calls):
    out = HEAD + '#pragma once\n\n#include "abi/occlum/ocall_types.h"\n\n'
    for c in calls:
        out += f"s64 ocall_{c.name}({c.params() or 'void'});\n"
    return out


def enclave_c(calls):
    out = HEAD + '#include "trusted/ocall.h"\n#include "trusted/ocall_marshal.h"\n#include "abi/occlum/ocall_numbers.h"\n'
    for c in calls:
        out += f"\ns64 ocall_{c.name}({c.params() or 'void'})\n{{\n    struct ocall_marshal m;\n    s64 ret;\n\n"
        out += "    ocall_marshal_begin(&m);\n"
        for i, a in enumerate(c.args):
            if not a.dir:
                out += f"    ocall_marshal_value(&m, {i}, (u64){a.name});\n"
            elif a.type == "str":
                out += f"    ocall_marshal_string(&m, {i}, {a.name});\n"
            else:
                fn = "in" if a.dir == "in" else "out"
                ptr = f"{a.name}, " if a.dir == "in" else ""
                out += f"    ocall_marshal_{fn}(&m, {i}, {ptr}{c.size_arg(a)}, {a.elem()});\n"
        out += f"    ret = ocall_marshal_call(&m, OCALL_{c.name.upper()});\n"
        if c.result == "void":
            out += "    return ret;\n}\n"
            continue
        limit = {"0": "0", "fd": "OCALL_MAX_FD", "any": "INT64_MAX"}.get(c.result)
        if limit is None:
            limit = f"(s64){c.result.split('..')[1]}"
        out += f"    ret = ocall_marshal_check(ret, {limit}, {'true' if c.fatal else 'false'});\n"
        outs = [(i, a) for i, a in enumerate(c.args) if a.dir == "out"]
        if outs:
            out += "    if (ret >= 0) {\n"
            for i, a in outs:
                count = "(size_t)ret" if a.count == "ret" else c.size_arg(a)
                out += f"        ocall_marshal_fetch(&m, {i}, {a.name}, {count}, {a.elem()});\n"
            out += "    }\n"
        out += "    return ret;\n}\n"
    return out


def host_h(calls):
    out = HEAD + '#pragma once\n\n#include "abi/occlum/ocall_types.h"\n\n'
    out += "struct host_thread;\n\n// Each serves one host call of the thread `self` and returns its result or a negative errno.\n"
    for c in calls:
        out += f"s64 host_{c.name}({', '.join(['struct host_thread *self', *filter(None, [c.params()])])});\n"
    return out


def host_c(calls):
    out = HEAD + '#include "loader/ocall_dispatch.h"\n#include "loader/ocall_handlers.h"\n#include "abi/occlum/ocall_numbers.h"\n\n'
    out += "#include <errno.h>\n\nu64 ocall_counts[OCALL_COUNT];\nconst char *const ocall_names[OCALL_COUNT] = {\n"
    out += "".join(f'    "{c.name}",\n' for c in calls) + "};\n\n"
    out += "s64 ocall_dispatch(struct host_thread *self, u64 number, const u64 arg[8])\n{\n    if (number < OCALL_COUNT)\n"
    out += "        __atomic_fetch_add(&ocall_counts[number], 1, __ATOMIC_RELAXED);\n    switch (number) {\n"
    for c in calls:
        args = ["self"]
        for i, a in enumerate(c.args):
            if not a.dir:
                args.append(f"({VALUE[a.type]})arg[{i}]")
            else:
                const = "const " if a.dir == "in" else ""
                args.append(f"({const}{a.ctype()} *)arg[{i}]")
        out += f"    case OCALL_{c.name.upper()}:\n        return host_{c.name}({', '.join(args)});\n"
    return out + "    default:\n        return -ENOSYS;\n    }\n}\n"


def fuzz_c(calls):
    """For the kernel bench: each call with made-up arguments, in buffers of exactly the size that the table promises."""
    out = HEAD + '#include "fuzz_stubs.h"\n#include "trusted/ocall.h"\n'
    for c in calls:
        args, before, after = [], "", ""
        for a in c.args:
            if not a.dir:
                size = any(b.count == a.name or (b.count == "ret" and c.result.endswith(".." + a.name)) for b in c.args)
                before += f"    {VALUE[a.type]} {a.name} = ({VALUE[a.type]})fuzz_{'size' if size else 'value'}(random);\n"
        for a in c.args:
            if a.dir and a.type == "str":
                before += f"    char *{a.name} = fuzz_string(random);\n"
            elif a.dir:
                before += f"    {a.ctype()} *{a.name} = fuzz_buffer({c.size_arg(a)}, {a.elem()});\n"
            if a.dir:
                after += f"    fuzz_buffer_free({a.name});\n"
            args.append(a.name)
        limit = {"0": "0", "fd": "OCALL_MAX_FD", "any": "INT64_MAX"}.get(c.result) or f"(s64){c.result.split('..')[-1]}"
        out += f"\nstatic void fuzz_{c.name}(struct user_random *random)\n{{\n{before}"
        call = f"ocall_{c.name}({', '.join(args)})"
        out += f"    {call};\n" if c.result == "void" else f'    fuzz_check("{c.name}", {call}, {limit});\n'
        out += after + "}\n"
    out += "\nvoid (*const fuzz_stubs[])(struct user_random *random) = {\n" + "".join(f"    fuzz_{c.name},\n" for c in calls) + "};\n"
    return out + f"const u32 fuzz_stubs_count = {len(calls)};\n"


def doc(calls):
    out = "# Host calls\n\nMade from `src/abi/occlum/ocalls.tbl` by `tools/gen-ocalls.py`. Every way out of the enclave is in this table.\n\n"
    out += "| call | arguments | result | a lie |\n|---|---|---|---|\n"
    for c in calls:
        args = ", ".join(f"{a.name}: {(a.dir + ' ') if a.dir else ''}{a.type}{'[' + a.count + ']' if a.count else ''}" for a in c.args)
        out += f"| {c.name} | {args} | {c.result} | {'ends the enclave' if c.fatal else 'EIO'} |\n"
    return out


def main():
    table, kind, output = sys.argv[1:4]
    make = {"numbers": numbers, "enclave-h": enclave_h, "enclave-c": enclave_c, "host-h": host_h, "host-c": host_c, "fuzz-c": fuzz_c, "doc": doc}
    text = make[kind](read_table(table))
    with open(output, "w") as f:
        f.write(text)


main()
