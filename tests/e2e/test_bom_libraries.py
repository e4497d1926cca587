#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""copy_bom's autodep: the libraries of glibc and musl programs, found by reading files; and the BOMs that come with Occlum, built and run."""
import os
import random
import re
import shutil
import stat

from bom_place import Place, snapshot
from harness import PLATFORM, Group, Instance, Skip, expect, expect_contains, expect_output, expect_status, must, occlum, run_command

group = Group()
LIBC = 'lib/x86_64-linux-gnu/libc.so.6'
LINKER = 'lib64/ld-linux-x86-64.so.2'
GLIBC = [LIBC, LINKER]
MUSL = 'lib/ld-musl-x86_64.so.1'
MAIN = 'int one(void); int printf(const char *, ...);\nint main(void) { printf("%d\\n", one()); return 0; }\n'
ONE = 'int two(void);\nint one(void) { return two() + 1; }\n'
TWO = 'int two(void) { return 41; }\n'


def case(name):
    def add(function):
        group.add(name, lambda: function(Place()))
        return function
    return add


def files(place):
    """All paths in the root that are no folders."""
    return sorted(name for name in place.tree() if not stat.S_ISDIR(os.lstat(os.path.join(place.root, name)).st_mode))


def expect_files(place, *wanted):
    expect(files(place) == sorted(wanted), f'the root holds {files(place)}, not {sorted(wanted)}')


def build(place, name, text, *flags, compiler='gcc'):
    """Compiles a text to src/NAME; flags may hold paths from the place's folder."""
    place.write('c/' + os.path.basename(name) + '.c', text)
    os.makedirs(os.path.dirname(place.path('src/' + name)), exist_ok=True)
    must([compiler, '-w', '-o', 'src/' + name, 'c/' + os.path.basename(name) + '.c', *flags], cwd=place.folder)


def build_chain(place, program_flags, one_flags, folder='lib'):
    """A program that needs libone.so, which needs libtwo.so."""
    build(place, folder + '/libtwo.so', TWO, '-shared', '-fPIC', '-Wl,-soname,libtwo.so')
    build(place, folder + '/libone.so', ONE, '-shared', '-fPIC', '-Wl,-soname,libone.so', 'src/' + folder + '/libtwo.so', *one_flags)
    build(place, 'bin/main', MAIN, 'src/' + folder + '/libone.so', '-Wl,-rpath-link,src/' + folder, *program_flags)


def run_in_root(place, *arguments):
    """Runs a program with the root as its root file system, so with nothing else but /proc, which $ORIGIN needs."""
    if os.geteuid() != 0:
        raise Skip('running in the copied root needs root (chroot)')
    os.makedirs(place.root + '/proc', exist_ok=True)
    result = run_command(['unshare', '--mount', 'sh', '-c', 'mount -t proc proc "$0/proc" || exit 99; exec chroot "$0" "$@"', place.root, *arguments],
                         env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin'})
    if result.status == 99 or 'unshare failed' in result.errors:
        raise Skip('mounting /proc in the copied root is not permitted here')
    return result


@case('a glibc program: libc and the dynamic linker, at the paths it looks at')
def _(place):
    build(place, 'main', 'int printf(const char *, ...);\nint main(void) { return printf("hello\\n") != 6; }')
    place.copy('targets: [{target: /bin, copy: [{files: [src/main]}]}]')
    expect_files(place, 'bin/main', *GLIBC)
    expect(not os.path.islink(os.path.join(place.root, LINKER)), 'the linker is a link')
    expect_output(run_in_root(place, '/bin/main'), 'hello\n')


@case('a musl program: its linker, which is its libc')
def _(place):
    build(place, 'main', 'int printf(const char *, ...);\nint main(void) { return printf("hello\\n") != 6; }', compiler='musl-gcc')
    place.copy('targets: [{target: /bin, copy: [{files: [src/main]}]}]')
    expect_files(place, 'bin/main', MUSL)
    expect_output(run_in_root(place, '/bin/main'), 'hello\n')


@case('a musl program with libraries by $ORIGIN, inherited from the program')
def _(place):
    build(place, 'lib/libtwo.so', TWO, '-shared', '-fPIC', compiler='musl-gcc')
    build(place, 'lib/libone.so', ONE, '-shared', '-fPIC', '-Lsrc/lib', '-ltwo', compiler='musl-gcc')
    build(place, 'bin/main', MAIN, '-Lsrc/lib', '-lone', '-Wl,-rpath-link,src/lib', '-Wl,-rpath,$ORIGIN/../lib', compiler='musl-gcc')
    place.copy('targets: [{target: /opt/x/bin, copy: [{files: [src/bin/main]}]}]')
    expect_files(place, 'opt/x/bin/main', 'opt/x/lib/libone.so', 'opt/x/lib/libtwo.so', MUSL)
    expect_output(run_in_root(place, '/opt/x/bin/main'), '42\n')


@case('static and static-PIE programs need nothing')
def _(place):
    build(place, 'one', 'int main(void) { return 0; }', '-static')
    build(place, 'two', 'int main(void) { return 0; }', '-static-pie')
    place.copy('targets: [{target: /bin, copy: [{files: [src/one, src/two]}]}]')
    expect_files(place, 'bin/one', 'bin/two')


@case('RUNPATH with $ORIGIN: beside where the program comes to, not where it was')
def _(place):
    build_chain(place, ['-Wl,-rpath,$ORIGIN/../lib'], ['-Wl,-rpath,$ORIGIN'])
    place.copy('targets: [{target: /opt/app/bin, copy: [{files: [{name: src/bin/main, rename: server}]}]}]')
    expect_files(place, 'opt/app/bin/server', 'opt/app/lib/libone.so', 'opt/app/lib/libtwo.so', *GLIBC)
    expect_output(run_in_root(place, '/opt/app/bin/server'), '42\n')


@case('$ORIGIN of a program that the BOM names by a link is where the program really lies')
def _(place):
    build_chain(place, ['-Wl,-rpath,${ORIGIN}/../lib'], ['-Wl,-rpath,$ORIGIN'])
    place.link('../bin/main', 'src/links/name')
    place.copy('targets: [{target: /usr/bin, copy: [{files: [src/links/name]}]}]')
    expect_files(place, 'usr/bin/name', 'usr/lib/libone.so', 'usr/lib/libtwo.so', *GLIBC)
    expect_output(run_in_root(place, '/usr/bin/name'), '42\n')


@case('RPATH holds for the libraries of libraries too')
def _(place):
    build_chain(place, ['-Wl,--disable-new-dtags,-rpath,$ORIGIN/../lib'], [])
    place.copy('targets: [{target: /bin, copy: [{files: [src/bin/main]}]}]')
    expect_files(place, 'bin/main', 'lib/libone.so', 'lib/libtwo.so', *GLIBC)
    expect_output(run_in_root(place, '/bin/main'), '42\n')


@case('an absolute RUNPATH: the same path in the root')
def _(place):
    folder = place.path('src/lib')
    build_chain(place, ['-Wl,-rpath,/nowhere:' + folder], ['-Wl,-rpath,' + folder])
    place.copy('targets: [{target: /bin, copy: [{files: [src/bin/main]}]}]')
    expect_files(place, 'bin/main', f'{folder[1:]}/libone.so', f'{folder[1:]}/libtwo.so', *GLIBC)
    expect_output(run_in_root(place, '/bin/main'), '42\n')


@case('DT_NEEDED that is a path')
def _(place):
    build(place, 'libone.so', 'int one(void) { return 42; }', '-shared', '-fPIC', '-Wl,-soname,' + place.path('src/libone.so'))
    build(place, 'main', MAIN, 'src/libone.so')
    place.copy('targets: [{target: /bin, copy: [{files: [src/main]}]}]')
    expect_files(place, 'bin/main', place.path('src/libone.so')[1:], *GLIBC)
    expect_output(run_in_root(place, '/bin/main'), '42\n')


@case('a library under several names: the one that is asked for, as a file')
def _(place):
    build(place, 'lib/libone.so.1.2.3', 'int one(void) { return 42; }', '-shared', '-fPIC', '-Wl,-soname,libone.so.1')
    place.link('libone.so.1.2.3', 'src/lib/libone.so.1')
    build(place, 'main', MAIN, 'src/lib/libone.so.1.2.3', '-Wl,-rpath,$ORIGIN/lib')
    place.copy('targets: [{target: /, copy: [{files: [src/main]}]}]')
    expect_files(place, 'main', 'lib/libone.so.1', *GLIBC)
    expect_output(run_in_root(place, '/main'), '42\n')


@case('a library that the BOM brings itself is used, and what it needs comes too')
def _(place):
    build_chain(place, [], ['-Wl,-rpath,$ORIGIN'])
    place.copy('targets: [{target: /bin, copy: [{files: [src/bin/main]}]}, {target: /usr/lib/x86_64-linux-gnu, copy: [{files: [src/lib/libone.so]}]}]')
    expect_files(place, 'bin/main', 'usr/lib/x86_64-linux-gnu/libone.so', 'usr/lib/x86_64-linux-gnu/libtwo.so', *GLIBC)
    expect_output(run_in_root(place, '/bin/main'), '42\n')


@case('a library that the BOM puts into /usr/lib goes before that of this machine elsewhere')
def _(place):
    build(place, 'libz.so.1', 'char *zlibVersion(void) { return "own"; }', '-shared', '-fPIC', '-Wl,-soname,libz.so.1')
    build(place, 'main', 'char *zlibVersion(void); int puts(const char *);\nint main(void) { return puts(zlibVersion()) < 0; }', 'src/libz.so.1')
    place.copy('targets: [{target: /bin, copy: [{files: [src/main]}]}, {target: /usr/lib, copy: [{files: [src/libz.so.1]}]}]')
    expect_files(place, 'bin/main', 'usr/lib/libz.so.1', *GLIBC)
    expect_output(run_in_root(place, '/bin/main'), 'own\n')


@case('a library in a folder that only the linkers of other distributions know gets a link')
def _(place):
    build(place, 'libone.so', 'int one(void) { return 42; }', '-shared', '-fPIC', '-Wl,-soname,libone.so')
    build(place, 'main', MAIN, 'src/libone.so')
    place.copy('targets: [{target: /bin, copy: [{files: [src/main]}]}, {target: /usr/lib64, copy: [{files: [src/libone.so]}]}]')
    expect_files(place, 'bin/main', 'usr/lib64/libone.so', 'lib/x86_64-linux-gnu/libone.so', *GLIBC)
    expect(os.readlink(place.root + '/lib/x86_64-linux-gnu/libone.so') == '/usr/lib64/libone.so', 'another link')
    expect_output(run_in_root(place, '/bin/main'), '42\n')


@case('a musl library in /lib is not taken for a glibc program, nor the other way round')
def _(place):
    text = 'char *zlibVersion(void) { return "own"; }'
    build(place, 'musl/libz.so.1', text, '-shared', '-fPIC', '-Wl,-soname,libz.so.1', compiler='musl-gcc')
    main = 'char *zlibVersion(void); int puts(const char *);\nint main(void) { return puts(zlibVersion()) < 0; }'
    build(place, 'g', main, '/lib/x86_64-linux-gnu/libz.so.1')
    build(place, 'm', main, 'src/musl/libz.so.1', compiler='musl-gcc')
    place.copy('targets: [{target: /bin, copy: [{files: [src/g, src/m]}]}, {target: /lib, copy: [{files: [src/musl/libz.so.1]}]}]')
    expect_files(place, 'bin/g', 'bin/m', 'lib/libz.so.1', 'lib/x86_64-linux-gnu/libz.so.1', MUSL, *GLIBC)
    expect_output(run_in_root(place, '/bin/m'), 'own\n')
    expect(run_in_root(place, '/bin/g').text.startswith('1.'), 'the wrong library')


@case('the same with links that the BOM makes or copies')
def _(place):
    build(place, 'lib/libone.so.1.2', 'int one(void) { return 42; }', '-shared', '-fPIC', '-Wl,-soname,libone.so.1')
    build(place, 'main', MAIN, 'src/lib/libone.so.1.2')
    place.link('libone.so.1.2', 'src/lib/libone.so.1')
    links = 'createlinks: [{src: /opt/libone.so.1.2, linkname: usr/lib/libone.so.1}], copy: [{files: [src/main]}]}, {target: /opt, copy: [{files: [src/lib/libone.so.1.2]}]'
    for text, names in ((f'targets: [{{target: /, {links}}}]', ['opt/libone.so.1.2', 'usr/lib/libone.so.1']),
                        ('targets: [{target: /, copy: [{files: [src/main]}]}, {target: /usr/lib, copy: [{dirs: [src/lib/]}]}]', ['usr/lib/libone.so.1.2', 'usr/lib/libone.so.1'])):
        shutil.rmtree(place.root, ignore_errors=True)
        place.copy(text)
        expect_files(place, 'main', *names, *GLIBC)
        expect(os.path.islink(place.root + '/usr/lib/libone.so.1'), 'the link was replaced')
        expect_output(run_in_root(place, '/main'), '42\n')


@case('a library that the BOM puts where nobody looks: the error says where it is')
def _(place):
    build(place, 'libone.so', 'int one(void) { return 42; }', '-shared', '-fPIC', '-Wl,-soname,libone.so')
    build(place, 'main', MAIN, 'src/libone.so')
    place.bom('targets: [{target: /opt/x, copy: [{files: [src/main, src/libone.so]}]}]')
    result = place.run()
    expect(result.status == 1 and 'it is copied to /opt/x/libone.so, where the program will not look' in result.errors, 'not told', result)


@case("what the BOM puts in a library's place stays there")
def _(place):
    build(place, 'main', 'int main(void) { return 0; }')
    shutil.copy(os.path.realpath('/' + LIBC), place.path('src/own-libc'))
    with open(place.path('src/own-libc'), 'ab') as file:
        file.write(b'own')
    place.copy(f'targets: [{{target: /, copy: [{{files: [src/main, {{name: src/own-libc, rename: {LIBC}}}]}}]}}]')
    expect_files(place, 'main', *GLIBC)
    with open(os.path.join(place.root, LIBC), 'rb') as file:
        expect(file.read().endswith(b'own'), 'it was replaced by that of this machine')


@case('autodep: false')
def _(place):
    build(place, 'main', 'int main(void) { return 0; }')
    place.copy('targets: [{target: /, copy: [{files: [{name: src/main, autodep: false}]}]}]')
    expect_files(place, 'main')


@case('programs and libraries in a folder bring theirs')
def _(place):
    build_chain(place, ['-Wl,-rpath,$ORIGIN/../lib'], ['-Wl,-rpath,$ORIGIN'])
    place.write('src/bin/text', 'no program')
    place.copy('targets: [{target: /app, copy: [{dirs: [src/bin]}]}]')
    expect_files(place, 'app/bin/main', 'app/bin/text', 'app/lib/libone.so', 'app/lib/libtwo.so', *GLIBC)


@case('a root whose /lib is a link to usr/lib')
def _(place):
    build(place, 'main', 'int main(void) { return 0; }')
    text = '''
        targets:
          - target: /
            mkdirs: [usr/lib, usr/lib64]
            createlinks: [{src: usr/lib, linkname: lib}, {src: usr/lib64, linkname: lib64}]
          - target: /bin
            copy: [{files: [src/main]}]
        '''
    place.copy(text)
    expect_files(place, 'bin/main', 'lib', 'lib64', 'usr/' + LIBC, 'usr/' + LINKER)
    expect_status(run_in_root(place, '/bin/main'), 0)
    before = snapshot(place.root)
    place.copy(text)
    expect(snapshot(place.root) == before, 'a second run changed something')


@case('a missing library of a file is an error that says who needs it; nothing is touched')
def _(place):
    build_chain(place, ['-Wl,-rpath,$ORIGIN/../lib'], [])
    os.unlink(place.path('src/lib/libtwo.so'))
    place.bom('targets:\n  - target: /bin\n    copy: [{files: [src/bin/main]}]')
    before = snapshot(place.folder)
    result = place.run()
    expect_status(result, 1)
    for text in ('bom.yaml:3:21: targets[0].copy[0].files[0]: ', 'lib/libone.so, which ', 'src/bin/main needs, needs the library libtwo.so, which is not found: searched /etc/ld.so.cache', 'autodep: false'):
        expect(text in result.errors, f'stderr lacks {text}', result)
    expect(snapshot(place.folder) == before, 'something was changed')


for way, options, env in (('--library-dir', ['-L', 'src/lib'], None), ('LD_LIBRARY_PATH', [], {'LD_LIBRARY_PATH': '/nowhere:src/lib'})):
    @case(f'libraries in a folder of {way} come to where the linker looks inside; a missing one names the folder')
    def _(place, options=options, env=env):
        build_chain(place, [], [])
        place.copy('targets: [{target: /bin, copy: [{files: [src/bin/main]}]}]', *options, env=env)
        expect_files(place, 'bin/main', *GLIBC, os.path.dirname(LIBC) + '/libone.so', os.path.dirname(LIBC) + '/libtwo.so')
        expect_status(run_in_root(place, '/bin/main'), 0)
        os.unlink(place.path('src/lib/libtwo.so'))
        result = place.run(*options, env=env)
        expect(result.status == 1 and 'libtwo.so' in result.errors and place.path('src/lib') in result.errors, 'not told', result)


@case('RUNPATH does not hold for the libraries of libraries')
def _(place):
    build_chain(place, ['-Wl,-rpath,$ORIGIN/../lib'], [])
    place.bom('targets: [{target: /bin, copy: [{files: [src/bin/main]}]}]')
    result = place.run()
    expect(result.status == 1 and 'needs the library libtwo.so, which is not found' in result.errors, 'not noticed', result)


@case('in a folder a missing library is a warning')
def _(place):
    build_chain(place, ['-Wl,-rpath,$ORIGIN/../lib'], [])
    result = place.copy('targets: [{target: /, copy: [{dirs: [src/bin]}]}]')
    expect('warning: targets[0].copy[0].dirs[0]: ' in result.errors and 'libtwo.so' in result.errors, 'no warning', result)
    expect_files(place, 'bin/main', 'lib/libone.so', *GLIBC)


@case('no warning in a folder for what the BOM copies to some other place')
def _(place):
    build_chain(place, ['-Wl,-rpath,$ORIGIN/../lib'], [])
    result = place.copy('targets: [{target: /, copy: [{dirs: [src/bin]}, {from: src/lib, dirs: [./]}]}, {target: /deep/er, copy: [{files: [src/lib/libtwo.so]}]}]')
    expect('warning' not in result.errors, 'a warning', result)


@case('a program whose dynamic linker is not there')
def _(place):
    build(place, 'main', 'int main(void) { return 0; }', '-Wl,--dynamic-linker,/nowhere/ld.so')
    place.bom('targets: [{target: /, copy: [{files: [src/main]}]}]')
    result = place.run()
    expect(result.status == 1 and 'its interpreter (the dynamic linker) /nowhere/ld.so is not on this machine' in result.errors, 'not noticed', result)


@case('no program is run: not the linker, not the program')
def _(place):
    linker = place.write('src/ld.so', '')
    shutil.copy(os.path.realpath('/' + LINKER), linker)
    build(place, 'main', 'int main(void) { return 0; }', '-Wl,--dynamic-linker,' + linker)
    os.chmod(linker, 0o644)
    os.chmod(place.path('src/main'), 0o644)
    if shutil.which('strace'):
        place.bom('targets: [{target: /, copy: [{files: [src/main]}]}]')
        result = run_command(['strace', '-f', '-qq', '-e', 'trace=execve,execveat,fork,vfork,clone,clone3', '-o', 'trace', os.path.join(os.environ.get('OCCLUM_BUILD', ''), 'bin/copy_bom'),
                              '-f', 'bom.yaml', '--root', 'root'], cwd=place.folder)
        with open(place.path('trace'), encoding='utf-8') as file:
            trace = file.read().splitlines()
        expect(len(trace) == 1 and 'execve' in trace[0], f'programs were started: {trace}', result)
    else:
        place.copy('targets: [{target: /, copy: [{files: [src/main]}]}]')
    expect_files(place, 'main', LIBC, linker[1:])


@case('an ELF file of another machine, and an object file: a warning, and it is copied')
def _(place):
    build(place, 'main', 'int main(void) { return 0; }', '-c')
    with open(place.path('src/main'), 'rb') as file:
        head = bytearray(file.read())
    head[4] = 1
    place.write('src/small', bytes(head))
    result = place.copy('targets: [{target: /, copy: [{files: [src/main, src/small]}]}]')
    expect('src/main is an ELF file, but it is neither a program nor a library' in result.errors, 'no warning', result)
    expect('src/small is an ELF file, but it is not for x86-64' in result.errors, 'no warning', result)
    expect_files(place, 'main', 'small')


@case('a cut ELF file: an error for a file, a warning in a folder')
def _(place):
    build(place, 'main', 'int main(void) { return 0; }')
    with open(place.path('src/main'), 'rb') as file:
        whole = file.read()
    place.write('src/t/cut', whole[:100])
    place.bom('targets: [{target: /, copy: [{files: [src/t/cut]}]}]')
    result = place.run()
    expect(result.status == 1 and 'src/t/cut is no whole ELF file: its program headers lie outside the file' in result.errors, 'not noticed', result)
    expect(not os.path.exists(place.root), 'the root was made')
    result = place.copy('targets: [{target: /, copy: [{dirs: [src/t]}]}]')
    expect('warning: ' in result.errors and 'no whole ELF file' in result.errors, 'no warning', result)


@case('400 damaged ELF files do not crash it')
def _(place):
    build_chain(place, ['-Wl,-rpath,$ORIGIN/../lib'], ['-Wl,-rpath,$ORIGIN'])
    choose = random.Random(3)
    with open(place.path('src/bin/main'), 'rb') as file:
        whole = file.read()
    for number in range(400):
        text = bytearray(whole)
        for _ in range(choose.randrange(1, 12)):
            # The header and program headers, or anywhere.
            text[choose.randrange(0x300 if choose.random() < 0.5 else len(text))] = choose.choice([0, 1, 0x7f, 0x80, 0xff, choose.randrange(256)])
        place.write(f'src/t/{number}', bytes(text))
    result = place.copy('targets: [{target: /, copy: [{dirs: [src/t]}]}]')
    expect(result.errors.count('warning: ') > 10, 'hardly anything was damaged', result)


def found_by_linker(program):
    """What ld.so itself finds (it runs, for this); None if it says that something is missing or the program is static."""
    result = run_command(['ldd', program], env={'PATH': '/usr/bin:/bin', 'LC_ALL': 'C'})
    if result.status or 'not found' in result.text or 'statically' in result.text:
        return None
    lines = [line.split(' => ')[-1].split(' (')[0].strip() for line in result.text.splitlines()]
    return {os.path.normpath(line) for line in lines if line.startswith('/')}


def found_by_copy_bom(place, program):
    # To its own folder, so that $ORIGIN is the same in the root.
    result = place.run('--dry-run', bom='-', stdin=f'targets: [{{target: {os.path.dirname(program)}, copy: [{{files: ["{program.replace("$", "$$")}"]}}]}}]')
    expect_status(result, 0)
    copied = [re.fullmatch(r'copy  .* -> (/.*) \(\d+ bytes\)', line) for line in result.text.splitlines()]
    return {match.group(1) for match in copied if match} - {program}


@case("programs of this machine: the same libraries as ld.so's own list")
def _(place):
    programs = []
    for folder in ('/usr/bin', '/usr/sbin'):
        for name in sorted(os.listdir(folder)):
            path = os.path.realpath(os.path.join(folder, name))
            if not os.path.isfile(path):
                continue
            with open(path, 'rb') as file:
                head = file.read(20)
            if head[:5] == b'\x7fELF\x02' and head[18:20] == b'\x3e\0' and path.startswith(folder) and path not in programs:
                programs.append(path)
    if not os.environ.get('OCCLUM_BOM_ALL'):
        programs = random.Random(5).sample(programs, min(60, len(programs)))
    compared = 0
    for program in programs:
        wanted = found_by_linker(program)
        if not wanted:
            continue
        found = found_by_copy_bom(place, program)
        expect(found == wanted, f'{program}: by ld.so only {sorted(wanted - found)}, by copy_bom only {sorted(found - wanted)}')
        compared += 1
    expect(compared > len(programs) // 2, f'only {compared} of {len(programs)} programs could be compared')
    print(f'# {compared} programs')


# The BOMs that come with Occlum

def instance(name):
    made = Instance(name, **({'resource_limits.user_space_size': '640MB'} if PLATFORM == 'emulated' else {}))
    return made


def bring(made, bom):
    return run_command([os.path.join(os.environ.get('OCCLUM_BUILD', ''), 'bin', 'copy_bom'), '-f', bom, '--root', 'image'], cwd=made.folder)


@case('base.yaml makes what occlum new puts into image/')
def _(place):
    result = place.run(bom='base.yaml')
    expect_status(result, 0)
    expect_status(occlum('new', place.path('instance')), 0)

    def listing(folder):
        return {name: entry[3] for name, entry in snapshot(folder).items()}
    ours, theirs = listing(place.root), listing(place.path('instance/image'))
    expect(ours == theirs, f'they differ: {set(ours.items()) ^ set(theirs.items())}')


@case('busybox.yaml into a new instance, built and run')
def _(place):
    made = instance('bom-busybox')
    expect_status(bring(made, 'busybox.yaml'), 0)
    made.build()
    expect_output(made.run('/bin/busybox', 'echo', 'hello'), 'hello\n')
    expect_contains(made.run('/bin/uname', '-a'), 'Linux')
    expect_output(made.run('/bin/cat', '/etc/hostname'), 'occlum\n')


@case('python3.yaml in place of image/, built and run, brought again without change')
def _(place):
    made = instance('bom-python')
    shutil.rmtree(made.image)
    expect_status(bring(made, 'python3.yaml'), 0)
    before = snapshot(made.image)
    result = bring(made, 'python3.yaml')
    expect(result.status == 0 and ' 0 files' in result.text and snapshot(made.image) == before, 'a second run changed something', result)
    made.build()
    result = made.run('/usr/bin/python3', '-c', 'import sys, json, sqlite3, ssl, ctypes, lzma, hashlib, socket; print(json.dumps(sys.version_info[:2]), socket.getservbyname("https"))')
    expect_output(result, '[3, 11] 443\n')


@case('programs of glibc and musl with libraries of their own, built and run')
def _(place):
    made = instance('bom-own')
    build_chain(place, ['-Wl,-rpath,$ORIGIN/../lib'], ['-Wl,-rpath,$ORIGIN'])
    build(place, 'musl', 'int printf(const char *, ...);\nint main(void) { return printf("musl\\n") != 5; }', compiler='musl-gcc')
    bom = place.bom('''
        includes: [base.yaml]
        targets:
          - target: /opt/app/bin
            copy: [{from: $OCCLUM_BOM_DIR/src, files: [bin/main]}]
          - target: /bin
            copy: [{from: $OCCLUM_BOM_DIR/src, files: [musl]}]
        ''')
    expect_status(bring(made, bom), 0)
    made.build()
    expect_output(made.run('/opt/app/bin/main'), '42\n')
    expect_output(made.run('/bin/musl'), 'musl\n')


group.main()
