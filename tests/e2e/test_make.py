#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""make -j4 of a C project of 50 files with Debian's gcc, cc1, as and ld, of which gcc and cc1 lie at one fixed address: bit for bit what the host builds."""
import os

from harness import PLATFORM, Group, Instance, expect, expect_contains, expect_output, expect_status, must


group = Group()
FILES = 50
MAKEFILE = '''CC = /usr/bin/gcc
OBJECTS = $(patsubst %.c,%.o,$(sort $(wildcard *.c)))
all: program libparts.a
program: $(OBJECTS)
\t$(CC) -o $@ $^
libparts.a: $(filter part%,$(OBJECTS))
\tar crD $@ $^
%.o: %.c parts.h
\t$(CC) -O1 -g -c -o $@ $<
'''


def write_project(folder):
    os.makedirs(folder)
    parts = range(FILES - 1)
    texts = {'Makefile': MAKEFILE, 'parts.h': '#include <stdio.h>\n#include <string.h>\n#include <stdlib.h>\n' + ''.join(f'unsigned part{n}(unsigned x);\n' for n in parts)}
    for n in parts:
        texts[f'part{n}.c'] = f'''#include "parts.h"
static unsigned table[{n + 3}] = {{ {', '.join(str(k * n % 251) for k in range(n + 3))} }};
unsigned part{n}(unsigned x)
{{
    char text[64];
    for (unsigned i = 0; i < {n + 3}; i++)
        x = x * 31 + table[i];
    snprintf(text, sizeof(text), "{n}:%u", x);
    return x ^ (unsigned)strlen(text);
}}
'''
    texts['main.c'] = '#include "parts.h"\nint main(void)\n{\n    unsigned x = 1;\n' + ''.join(f'    x = part{n}(x);\n' for n in parts) + '    printf("%u\\n", x);\n    return 0;\n}\n'
    for name, text in texts.items():
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
            file.write(text)
        os.utime(os.path.join(folder, name), (1000000000, 1000000000))


def tool(name):
    """Where gcc finds one of its programs."""
    return must(['/usr/bin/gcc', '-print-prog-name=' + name]).text.strip()


def headers(folder):
    """The headers that the project includes."""
    rule = must(['/usr/bin/gcc', '-O1', '-M', os.path.join(folder, 'main.c')]).text
    return [word for word in rule.replace('\\\n', ' ').split() if word.startswith('/usr/')]


def setup():
    instance = Instance('make', **({'resource_limits.user_space_size': '2GB'} if PLATFORM == 'sim' else {'resource_limits.user_space_max_size': '800MB'}))
    project = os.path.join(instance.image, 'opt', 'project')
    write_project(project)
    compiler, libraries = os.path.dirname(tool('cc1')), '/usr/lib/x86_64-linux-gnu'
    files = [os.path.join(compiler, name) for name in sorted(os.listdir(compiler))
             if name.startswith('crt') or name in ('cc1', 'collect2', 'libgcc.a', 'libgcc_s.so', 'liblto_plugin.so')]
    files += [os.path.join(libraries, name) for name in ('crt1.o', 'Scrt1.o', 'crti.o', 'crtn.o', 'libc.so', 'libc.so.6', 'libc_nonshared.a', 'libgcc_s.so.1')]
    tools = [f'/usr/bin/{name}' for name in ('make', 'gcc', 'as', 'ld', 'ar', 'cp', 'cat', 'sha256sum')]
    instance.pack(*tools, '/usr/bin/dash=/bin/sh', *files, *headers(project))
    instance.build()
    return instance


BUILD = 'cp -r /opt/project /tmp/project && cd /tmp/project && make -j4 >log 2>&1; status=$?; [ $status = 0 ] || cat log >&2; ./program && sha256sum *.o *.a program; exit $status'


@group.case('50 files, gcc, as and ld, four at once: every object, the archive and the program as on the host')
def _(instance):
    result = instance.same('/bin/sh', '-c', BUILD, timeout=240)
    expect_status(result, 0)
    expect(len(result.text.splitlines()) == FILES + 3, 'not all was built', result)
    expect_contains(result, f'part{FILES - 2}.o')


@group.case('programs at one fixed address, eight at once: each finds room, however the others come and go')
def _(instance):
    loop = 'for j in 1 2 3 4 5 6 7 8; do (for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do /usr/bin/gcc -dumpversion >/dev/null || echo failed $?; done) & done; wait; echo done'
    for _ in range(3):
        expect_output(instance.run('/bin/sh', '-c', loop), 'done\n')


if __name__ == '__main__':
    group.main(setup)
