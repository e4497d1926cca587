#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""copy_bom: what comes where, and what is refused with which message (and that nothing was touched then)."""
import hashlib
import os
import resource
import shutil
import signal
import stat

from bom_place import COPY_BOM, Place, snapshot
from harness import Group, clean_environment, expect, expect_contains, expect_output, expect_status, must, occlum, run_command

group = Group()
LIBC = '/lib/x86_64-linux-gnu/libc.so.6'


def case(name):
    def add(function):
        group.add(name, lambda: function(Place()))
        return function
    return add


def refused(name, text, *messages, prepare=None, options=(), env=None, place=None):
    """A BOM that is refused: status 1, each message on stderr, and neither the root nor anything else is changed."""
    def run():
        where = Place()
        where.write('src/file', 'text')
        where.write('root/kept', 'kept')
        if prepare:
            prepare(where)
        where.bom(text)
        before = snapshot(where.folder)
        for more in ([], ['--dry-run']):
            result = where.run(*options, *more, env=env)
            expect_status(result, 1)
            for message in messages:
                expect(message in result.errors, f'stderr lacks {message!r}', result)
            if place:
                expect(f'bom.yaml:{place[0]}:{place[1]}: ' in result.errors, f'stderr lacks the place {place}', result)
            expect('nothing was changed' in result.errors, 'stderr does not say that nothing was changed', result)
            expect(not result.text, 'something is on stdout', result)
        expect(snapshot(where.folder) == before, 'something was changed')
    group.add('refused: ' + name, run)


# What is copied, and how

@case('a file by its name, mode and time kept')
def _(place):
    place.write('src/tool', 'contents', 0o751, time=1_234_567_890_123_456_789)
    place.copy('targets: [{target: /opt/app, copy: [{from: src, files: [tool]}]}]')
    status = os.stat(place.root + '/opt/app/tool')
    expect(place.read('opt/app/tool') == 'contents', 'other contents')
    expect(stat.S_IMODE(status.st_mode) == 0o751 and status.st_mtime_ns == 1_234_567_890_123_456_789, f'mode or time: {status}')
    place.expect_tree('opt', 'opt/app', 'opt/app/tool')


@case('a file that is a link: what it leads to')
def _(place):
    place.write('src/real', 'real')
    place.link('real', 'src/name')
    place.copy('targets: [{target: /a, copy: [{files: [src/name]}]}]')
    expect(not os.path.islink(place.root + '/a/name') and place.read('a/name') == 'real', 'not followed')


@case('rename, with folders in it')
def _(place):
    place.write('src/tool', 'x')
    place.copy('targets: [{target: /a, copy: [{from: src, files: [{name: tool, rename: other}, {name: tool, rename: b/c/deep}]}]}]')
    place.expect_tree('a', 'a/other', 'a/b', 'a/b/c', 'a/b/c/deep')


@case('dirs: the folder itself, and with a slash at the end its contents')
def _(place):
    place.write('src/conf/a', 'a')
    place.write('src/conf/sub/b', 'b')
    place.copy('targets: [{target: /one, copy: [{from: src, dirs: [conf]}]}, {target: /two, copy: [{from: src, dirs: [conf/]}]}]')
    place.expect_tree('one', 'one/conf', 'one/conf/a', 'one/conf/sub', 'one/conf/sub/b', 'two', 'two/a', 'two/sub', 'two/sub/b')


@case('from alone: all that is in it')
def _(place):
    place.write('src/conf/a', 'a')
    place.copy('targets: [{target: /one, copy: [{from: src/conf}]}, {target: /two, copy: [{from: src/}]}]')
    place.expect_tree('one', 'one/a', 'two', 'two/conf', 'two/conf/a')


@case('absolute paths stand for themselves, whatever from says')
def _(place):
    path = place.write('elsewhere/x', 'x')
    place.copy(f'targets: [{{target: /, copy: [{{from: src, files: [{path}]}}]}}]')
    place.expect_tree('x')


@case('mkdirs and createlinks')
def _(place):
    place.copy('''
        targets:
          - target: /
            mkdirs: [a, b/c/d]
            createlinks:
              - {src: ../a, linkname: b/up}
              - {src: /etc/nothing, linkname: absolute}
        ''')
    place.expect_tree('a', 'b', 'b/c', 'b/c/d', 'b/up', 'absolute')
    expect(os.readlink(place.root + '/b/up') == '../a' and os.readlink(place.root + '/absolute') == '/etc/nothing', 'other links')
    expect(stat.S_IMODE(os.stat(place.root + '/b/c/d').st_mode) == 0o755, 'another mode')


@case('a link is made anew when it leads elsewhere or a file is there')
def _(place):
    place.link('old', 'root/one')
    place.write('root/two', 'file')
    place.copy('targets: [{target: /, createlinks: [{src: new, linkname: one}, {src: new, linkname: two}]}]')
    expect(os.readlink(place.root + '/one') == 'new' and os.readlink(place.root + '/two') == 'new', 'not made anew')


@case('the mode of folders does not depend on the umask')
def _(place):
    place.bom('targets: [{target: /a/b, mkdirs: [c]}]')
    result = run_command(['sh', '-c', f'umask 077; exec {COPY_BOM} -f bom.yaml --root root'], cwd=place.folder, env=clean_environment())
    expect_status(result, 0)
    for name in ('', 'a', 'a/b', 'a/b/c'):
        expect(stat.S_IMODE(os.stat(os.path.join(place.root, name)).st_mode) == 0o755, f'mode of {name}')


@case('modes and times of copied folders, also of one that forbids writing')
def _(place):
    place.write('src/conf/a', 'a')
    place.write('src/conf/closed/b', 'b')
    os.chmod(place.path('src/conf/closed'), 0o555)
    for name in ('src/conf/closed', 'src/conf'):
        os.utime(place.path(name), ns=(10**18, 10**18))
    text = 'targets: [{target: /, copy: [{dirs: [src/conf]}]}]'
    place.copy(text)
    for name, mode in (('conf', 0o755), ('conf/closed', 0o555)):
        status = os.stat(os.path.join(place.root, name))
        expect((stat.S_IMODE(status.st_mode), status.st_mtime_ns) == (mode, 10**18), f'{name}: {status}')
    before = snapshot(place.root)
    place.copy(text)
    expect(snapshot(place.root) == before, 'a second run changed something')


@case('links within a copied folder are kept, those that lead out are followed')
def _(place):
    place.write('src/tree/a/file', 'in')
    place.write('src/outside/far', 'out')
    place.link('a/file', 'src/tree/near')
    place.link('../a/file', 'src/tree/a2/up')
    place.link('../outside/far', 'src/tree/out')
    place.write('src/farther', 'farther')
    place.link('far', 'src/outside/inner')
    place.link('../farther', 'src/outside/leaves')
    place.link('../outside', 'src/tree/folder')
    place.link(place.path('src/tree/a/file'), 'src/tree/absolute')
    place.link('nothing', 'src/tree/dangling')
    place.link('folder/../tree/a/file', 'src/tree/winding')
    place.copy('targets: [{target: /, copy: [{dirs: [src/tree]}]}]')
    for name, text in (('near', 'a/file'), ('a2/up', '../a/file'), ('dangling', 'nothing')):
        expect(os.readlink(f'{place.root}/tree/{name}') == text, f'{name} is another link')
    for name, text in (('out', 'out'), ('absolute', 'in'), ('winding', 'in'), ('folder/far', 'out')):
        expect(not os.path.islink(f'{place.root}/tree/{name}') and place.read(f'tree/{name}') == text, f'{name} was not followed')
    expect(not os.path.islink(place.root + '/tree/folder'), 'the folder was not followed')
    expect(os.readlink(place.root + '/tree/folder/inner') == 'far', 'a link within the followed folder was not kept')
    expect(not os.path.islink(place.root + '/tree/folder/leaves') and place.read('tree/folder/leaves') == 'farther', 'a link out of the followed folder was kept')


@case('a link that leads out to nothing is left out with a warning; so is a FIFO')
def _(place):
    place.link('/nowhere/at/all', 'src/tree/gone')
    os.mkfifo(place.path('src/tree/fifo'))
    place.write('src/tree/a', 'a')
    result = place.copy('targets: [{target: /, copy: [{dirs: [src/tree]}]}]')
    for text in ('warning: ', 'src/tree/gone', 'leads out', 'src/tree/fifo', 'no file, folder or link'):
        expect(text in result.errors, f'stderr lacks {text}', result)
    place.expect_tree('tree', 'tree/a')


@case('excludes, by the rules of rsync')
def _(place):
    for name in ('.git/x', 'a.o', 'sub/b.o', 'sub/keep', 'sub/.git/y', 'build/out', 'sub/build', 'deep/one/two/cache/z', 'top/cache/z', 'cache/q', 'only/f'):
        place.write('src/t/' + name)
    place.copy('''
        excludes: [.git, "*.o", build/, /t/cache, one/two/cache, "only/***"]
        targets: [{target: /, copy: [{dirs: [src/t]}]}]
        ''')
    place.expect_tree('t', 't/sub', 't/sub/keep', 't/sub/build', 't/deep', 't/deep/one', 't/deep/one/two', 't/top', 't/top/cache', 't/top/cache/z')


@case('excludes of an included BOM are its own')
def _(place):
    place.write('src/a/one.o')
    place.bom('excludes: ["*.o"]\ntargets: [{target: /x, copy: [{dirs: [src/a]}]}]', 'other.yaml')
    place.copy('includes: [other.yaml]\ntargets: [{target: /y, copy: [{dirs: [src/a]}]}]')
    place.expect_tree('x', 'x/a', 'y', 'y/a', 'y/a/one.o')


@case('includes: beside the including file, then --include-dir in order; each once')
def _(place):
    for folder in ('boms', 'one', 'two'):
        place.write('src/' + folder, folder)
    place.bom('targets: [{target: /, copy: [{files: [{name: src/one, rename: both}]}]}]', 'one/both.yaml')
    place.bom('targets: [{target: /, copy: [{files: [{name: src/two, rename: both}]}]}]', 'two/both.yaml')
    place.bom('targets: [{target: /, copy: [{files: [{name: src/two, rename: second}]}]}]', 'two/second.yaml')
    place.bom('includes: [both.yaml, ../two/second.yaml]\ntargets: [{target: /, mkdirs: [near]}]', 'boms/near.yaml')
    place.copy('includes: [boms/near.yaml, both.yaml, second.yaml, boms/../boms/near.yaml]', '--include-dir', 'one', '-I', 'two')
    place.expect_tree('both', 'near', 'second')
    expect(place.read('both') == 'one', 'the first folder was not taken')


@case('a BOM counts more than those it includes, whose targets come first')
def _(place):
    place.write('src/a', 'first')
    place.write('src/b', 'second')
    place.bom('targets: [{target: /, copy: [{files: [{name: src/a, rename: x}]}]}]', 'base.yaml')
    text = 'includes: [./base.yaml]\ntargets: [{target: /, copy: [{files: [{name: src/b, rename: x}]}]}]'
    place.copy(text)
    expect(place.read('x') == 'second', 'the including BOM does not count')
    before = snapshot(place.root)
    place.copy(text)
    expect(snapshot(place.root) == before, 'a second run changed something')


@case('variables: $X, ${X}, $$, and $OCCLUM_BOM_DIR of each file')
def _(place):
    place.write('src/a b', 'x')
    place.write('boms/near', 'near')
    place.write('src/in$ner', 'dollar')
    place.bom('targets: [{target: /, copy: [{from: $OCCLUM_BOM_DIR, files: [near]}]}]', 'boms/other.yaml')
    place.copy('''
        includes: ["${WHERE}/other.yaml"]
        targets: [{target: /$NAME, copy: [{from: $SOURCES, files: ["a ${LETTER}", "in$$ner"]}]}]
        ''', env={'WHERE': 'boms', 'NAME': 'opt', 'SOURCES': place.path('src'), 'LETTER': 'b'})
    place.expect_tree('near', 'opt', 'opt/a b', 'opt/in$ner')


@case('- reads the BOM from standard input')
def _(place):
    place.write('src/a', 'x')
    result = place.run(bom='-', stdin='targets: [{target: /, copy: [{files: [src/a]}]}]')
    expect_status(result, 0)
    place.expect_tree('a')


@case('the root is made if it is not there; the summary counts')
def _(place):
    place.write('src/a', 'x' * 5)
    result = place.copy('targets: [{target: /d, createlinks: [{src: a, linkname: l}], copy: [{files: [src/a]}]}]')
    expect('brought into root: 1 files (5 bytes), 1 links, 1 folders; 0 up to date' in result.text, 'another summary', result)


@case('null and missing lists are empty')
def _(place):
    place.copy('includes:\nexcludes: ~\ntargets:\n  - target: /a\n    mkdirs: null\n    copy:\n')
    place.expect_tree('a')


@case('a hash that fits')
def _(place):
    place.write('src/a', 'abc')
    digest = hashlib.sha256(b'abc').hexdigest()
    for written in (digest, digest.upper()):
        place.copy(f'targets: [{{target: /, copy: [{{files: [{{name: src/a, hash: {written}}}]}}]}}]')
    expect(place.read('a') == 'abc', 'other contents')


# Again

@case('what is up to date is not touched; what changed is replaced')
def _(place):
    for name in ('same', 'longer', 'newer', 'mode'):
        place.write('src/t/' + name, name)
    text = 'targets: [{target: /, copy: [{dirs: [src/t]}]}]'
    place.copy(text)
    before = snapshot(place.root)
    result = place.copy(text)
    expect(snapshot(place.root) == before and '0 files' in result.text and '4 up to date' in result.text, 'a second run changed something', result)
    place.write('src/t/longer', 'longer than before')
    os.utime(place.path('src/t/newer'))
    os.chmod(place.path('src/t/mode'), 0o700)
    result = place.copy(text)
    after = snapshot(place.root)
    expect(after['t/same'] == before['t/same'] and after['t/mode'][2] == before['t/mode'][2], 'an unchanged file was written anew', result)
    expect(stat.S_IMODE(after['t/mode'][0]) == 0o700 and place.read('t/longer') == 'longer than before', 'changes were not taken over', result)
    expect(after['t/longer'][2] != before['t/longer'][2] and after['t/newer'][2] != before['t/newer'][2], 'a file was written in place', result)
    expect('2 files' in result.text, 'another count', result)


@case('nothing is removed')
def _(place):
    place.write('root/t/other', 'kept')
    place.write('src/t/a', 'a')
    place.copy('targets: [{target: /, copy: [{dirs: [src/t]}]}]')
    place.expect_tree('t', 't/a', 't/other')


@case('a file with a hash is compared by contents')
def _(place):
    place.write('src/a', 'right', time=10**18)
    place.write('root/a', 'wrong', time=10**18)
    digest = hashlib.sha256(b'right').hexdigest()
    place.copy(f'targets: [{{target: /, copy: [{{files: [{{name: src/a, hash: {digest}}}]}}]}}]')
    expect(place.read('a') == 'right', 'the wrong file stayed')


@case('a link in the place of a file is replaced, not written through')
def _(place):
    place.write('src/a', 'new')
    place.write('victim', 'kept')
    place.link('../victim', 'root/a')
    place.copy('targets: [{target: /, copy: [{files: [src/a]}]}]')
    with open(place.path('victim'), encoding='utf-8') as file:
        expect(file.read() == 'kept' and not os.path.islink(place.root + '/a'), 'written through the link')


@case('no temporary file stays')
def _(place):
    for number in range(20):
        place.write(f'src/t/{number}', 'x')
    place.copy('targets: [{target: /, copy: [{dirs: [src/t/]}]}]')
    place.expect_tree(*map(str, range(20)))


@case('--dry-run prints exactly what is then done, and touches nothing')
def _(place):
    place.write('src/t/a', 'a')
    place.write('src/t/sub/b', 'b')
    place.write('src/old', 'new')
    place.write('root/x/old', 'old')
    shutil.copy2(place.path('src/t/a'), place.path('root/x/a'))
    place.bom('''
        targets:
          - target: /x
            mkdirs: [made]
            createlinks: [{src: old, linkname: link}]
            copy: [{from: src, dirs: [t], files: [old, t/a]}, {files: [/bin/true]}]
        ''')
    before = snapshot(place.folder)
    planned = place.run('--dry-run')
    expect_status(planned, 0)
    expect(snapshot(place.folder) == before, 'the dry run changed something')
    done = place.run(env={'OCCLUM_LOG_LEVEL': 'info'})
    expect_status(done, 0)
    lines = [line.removeprefix('copy_bom: ') for line in done.errors.splitlines()]
    expect(planned.text.splitlines() == lines, 'another list', planned, done)
    for text in ('mkdir /x/made', 'link  /x/link -> old', 'copy  src/old -> /x/old (3 bytes)', 'mkdir /x/t/sub', f'copy  {LIBC} -> {LIBC}'):
        expect(text in planned.text, f'the list lacks {text}', planned)
    expect('/x/a ' not in planned.text, 'what is up to date is in the list', planned)
    again = place.run('--dry-run')
    expect(again.status == 0 and not again.text, 'a dry run after it would do something', again)


@case('--dry-run does not make the root')
def _(place):
    place.bom('targets: [{target: /x}]')
    result = place.run('--dry-run')
    expect_output(result, 'mkdir / (root itself)\nmkdir /x\n')
    expect(not os.path.exists(place.root), 'the root was made')


@case('OCCLUM_LOG_LEVEL decides what is said')
def _(place):
    place.write('src/a', 'x')
    place.write('src/t/b', 'x')
    place.link('/nowhere/at/all', 'src/t/gone')
    place.bom('targets: [{target: /, copy: [{files: [src/a], dirs: [src/t]}]}]')
    said = {}
    for level in ('off', 'error', None, 'warn', 'info', 'debug', 'trace'):
        shutil.rmtree(place.root, ignore_errors=True)
        result = place.run(env={'OCCLUM_LOG_LEVEL': level} if level else {})
        expect_status(result, 0)
        said[level] = result.text + result.errors
    expect(said['off'] == said['error'] == '', f'off and error are not silent: {said}')
    expect(said[None] == said['warn'] and 'warning' in said['warn'] and 'copy  ' not in said['warn'], f'warn: {said["warn"]}')
    expect('copy  src/a' in said['info'], f'info: {said["info"]}')
    result = place.run(env={'OCCLUM_LOG_LEVEL': 'debug'})
    expect('same  /a' in result.errors, 'debug does not say what is up to date', result)
    result = place.run(env={'OCCLUM_LOG_LEVEL': 'wrong'})
    expect(result.status == 0 and 'OCCLUM_LOG_LEVEL=wrong is no level' in result.errors, 'a wrong level is not told', result)


# The root as the programs see it

@case('absolute and climbing links in the root stay within it')
def _(place):
    os.makedirs(place.root + '/usr/lib')
    place.link('/usr/lib', 'root/lib')
    place.link('../../../../../../usr', 'root/up')
    place.link('/opt/not/there/yet', 'root/made')
    place.write('src/a', 'a')
    place.copy('targets: [{target: /lib, copy: [{files: [src/a]}]}, {target: /up/bin, copy: [{files: [src/a]}]}, {target: /made, copy: [{files: [src/a]}]}]')
    place.expect_tree('lib', 'up', 'made', 'usr', 'usr/lib', 'usr/lib/a', 'usr/bin', 'usr/bin/a', 'opt', 'opt/not', 'opt/not/there', 'opt/not/there/yet', 'opt/not/there/yet/a')


@case('links in the root that name folders of this machine do not lead there')
def _(place):
    outside = place.path('outside')
    os.makedirs(outside)
    place.link(outside, 'root/absolute')
    place.link('../outside', 'root/relative')
    place.write('src/a', 'a')
    place.copy('targets: [{target: /absolute, copy: [{files: [src/a]}]}, {target: /relative/sub, mkdirs: [x], copy: [{files: [src/a]}]}]')
    expect(os.listdir(outside) == [], 'something was written outside of the root')
    expect(place.has(outside + '/a', 'outside/sub/a', 'outside/sub/x'), f'not at its place in the root: {place.tree()}')


def link_loop(place):
    place.link('two', 'root/one')
    place.link('one', 'root/two')


refused('a loop of links in the root', 'targets: [{target: /one/x, copy: [{files: [src/file]}]}]', '/one', 'Too many levels', prepare=link_loop)
refused('a folder where a file must be', 'targets: [{target: /, copy: [{files: [{name: src/file, rename: there}]}]}]', '/there', 'a folder is where the file must be',
        prepare=lambda place: os.makedirs(place.root + '/there'))
refused('a folder where a link must be', 'targets: [{target: /, createlinks: [{src: x, linkname: there}]}]', 'a folder is where the link must be',
        prepare=lambda place: os.makedirs(place.root + '/there'))
refused('a file where a folder must be', 'targets: [{target: /kept/below, copy: [{files: [src/file]}]}]', '/kept', 'a file is where a folder must be')
refused('one entry makes a folder of what another makes a file', '''
    targets:
      - {target: /, copy: [{files: [{name: src/file, rename: x}]}]}
      - {target: /x}
    ''', '/x would be a folder here, but is a file by bom.yaml:2', place=(3, 14))
refused('the root is a file', 'targets: [{target: /a}]', '--root', 'no folder', options=['--root', 'src/file'])
refused("the root is this machine's own", 'targets: [{target: /a}]', "own root", options=['--root', '/'])


@case('a root whose parent is not there')
def _(place):
    place.bom('targets: [{target: /a}]')
    result = run_command([COPY_BOM, '-f', 'bom.yaml', '--root', 'no/such'], cwd=place.folder, env=clean_environment())
    expect(result.status == 1 and '--root no/such cannot be made' in result.errors, 'not refused', result)


# Refusals

refused('target with ..', 'targets: [{target: /opt/../../etc}]', 'targets[0].target: "/opt/../../etc" must not hold ..', place=(1, 20))
refused('mkdirs with ..', 'targets: [{target: /opt, mkdirs: [../x]}]', 'targets[0].mkdirs[0]: "../x" must not lead out of the target', place=(1, 35))
refused('mkdirs with an absolute path', 'targets: [{target: /opt, mkdirs: [/x]}]', '"/x" must be a path below the target')
refused('linkname with ..', 'targets: [{target: /opt, createlinks: [{src: x, linkname: a/../../y}]}]', 'createlinks[0].linkname', 'must not lead out of the target')
refused('linkname with / at its end', 'targets: [{target: /opt, createlinks: [{src: x, linkname: y/}]}]', '"y/" is no name of a file')
refused('rename with ..', 'targets: [{target: /opt, copy: [{files: [{name: src/file, rename: ../y}]}]}]', 'files[0].rename', 'must not lead out of the target')
refused('rename to an absolute path', 'targets: [{target: /opt, copy: [{files: [{name: src/file, rename: /y}]}]}]', 'files[0].rename', 'must be a path below the target')
refused('a file that is not there, with the nearest name', 'targets:\n  - target: /\n    copy: [{from: src, files: [fiel]}]',
        'src/fiel: there is no such file or folder; did you mean file?', place=(3, 32))
refused('a folder that is not there', 'targets: [{target: /, copy: [{dirs: [nowhere]}]}]', 'copy[0].dirs[0]: nowhere: there is no such file or folder')
refused('a folder among files', 'targets: [{target: /, copy: [{files: [src]}]}]', 'src is a folder; list it under dirs')
refused('a file among dirs', 'targets: [{target: /, copy: [{dirs: [src/file]}]}]', 'src/file is no folder; list it under files')
refused('a wrong hash', f'targets: [{{target: /, copy: [{{files: [{{name: src/file, rename: kept, hash: {"0" * 64}}}]}}]}}]',
        'the SHA-256 of src/file is ' + hashlib.sha256(b'text').hexdigest(), 'the BOM says ' + '0' * 64)
refused('a hash that is none', 'targets: [{target: /, copy: [{files: [{name: src/file, hash: 12ab}]}]}]', 'found "12ab"', '64 hexadecimal digits', place=(1, 62))
refused('an unset variable, with the nearest', 'targets:\n  - target: /\n    copy: [{from: "${SUORCES}/x", files: [y]}]',
        'targets[0].copy[0].from: the environment has no variable SUORCES; did you mean SOURCES?', env={'SOURCES': 'src'}, place=(3, 19))
refused('${ without }', 'targets: [{target: "/${X"}]', '${ is not followed by a name and }')
refused('a variable that is empty', 'targets: [{target: $EMPTY}]', 'targets[0].target: empty after expansion of $EMPTY', env={'EMPTY': ''})
refused('an unknown key, with the nearest', 'targets: [{target: /, mkdir: [a]}]', 'targets[0]: unknown key "mkdir", did you mean mkdirs?',
        'known here: target, mkdirs, createlinks, copy', place=(1, 23))
refused('an unknown key at the top', 'target: [{target: /}]', 'unknown key "target", did you mean targets?', place=(1, 1))
refused('a key given twice', 'targets: []\nexcludes: [a]\ntargets: []', 'key targets is given twice', place=(3, 1))
refused('a target without target', 'targets:\n  - mkdirs: [a]', 'targets[0]: key target is missing', place=(2, 5))
refused('a link without linkname', 'targets: [{target: /, createlinks: [{src: a}]}]', 'createlinks[0]: key linkname is missing')
refused('a copy with nothing in it', 'targets: [{target: /, copy: [{}]}]', 'copy[0]: nothing to copy: give from, dirs or files')
refused('a text where a list must be', 'targets: [{target: /, mkdirs: a}]', 'targets[0].mkdirs: found "a"; it must be a list of texts', place=(1, 31))
refused('a list where a text must be', 'targets: [{target: [a]}]', 'targets[0].target: found a list; it must be a text')
refused('a mapping where a list must be', 'targets: {target: /}', 'targets: found a mapping; it must be a list of targets')
refused('a text as target', 'targets: [/opt]', 'targets[0]: found "/opt"; it must be a mapping with target, mkdirs, createlinks, copy')
refused('autodep that is neither true nor false', 'targets: [{target: /, copy: [{files: [{name: src/file, autodep: maybe}]}]}]', 'found "maybe"; it must be true or false')
refused('an empty name', 'targets: [{target: /, copy: [{files: [""]}]}]', 'files[0]: empty; it must be a path')
refused('a NUL in a name', 'targets: [{target: "/a\\0b"}]', 'targets[0].target: it holds a NUL character')
refused('an empty file', '', 'bom.yaml: empty; it must be a mapping with includes, excludes, targets')
refused('a BOM that is a list', '- a\n- b', 'found a list; it must be a mapping with includes, excludes, targets', place=(1, 1))
refused('what is not YAML', 'targets: [\n  {target: /}\n', 'not YAML: ', place=(3, 1))
refused('a tab as indentation', 'targets:\n\t- target: /', 'not YAML: ', place=(2, 1))
refused('two documents', 'targets: []\n---\ntargets: []', 'a second YAML document', place=(3, 1))
refused('an include that is nowhere', 'includes: [bsae.yaml]\ntargets: []', 'includes[0]: bsae.yaml is in none of these folders: ., one, ', '--include-dir adds one', options=['-I', 'one'])
refused('an include that is a folder', 'includes: [src]', 'src is a folder, not a BOM')


def circle(place):
    place.bom('includes: [two.yaml]', 'one.yaml')
    place.bom('includes: [one.yaml]', 'two.yaml')


refused('includes in a circle', 'includes: [one.yaml]\ntargets: [{target: /a}]', './two.yaml:1:12: includes[0]: the includes go in a circle: ./one.yaml -> ./two.yaml -> ./one.yaml',
        prepare=circle)
refused('a BOM that includes itself', 'includes: [bom.yaml]', 'the includes go in a circle: bom.yaml -> ./bom.yaml')
refused('a list of aliases of lists of aliases', 'targets:\n' + ''.join(
    f'  - target: /{name}\n    mkdirs: {"&m [" + ", ".join(["x"] * 700) + "]" if name == 0 else "*m"}\n' for name in range(100)), 'more than 65536 list entries in one file')
refused('a link that leads to a folder around it', 'targets: [{target: /, copy: [{dirs: [src/]}]}]', 'leads to a folder that it lies in',
        prepare=lambda place: place.link(place.path('src'), 'src/sub/loop'))


@case('refused: all errors of one run, each with its place, also in included files')
def _(place):
    place.bom('targets: [{target: /x, mkdir: [a]}, {target: ../y}]', 'other.yaml')
    place.bom('''
        includes: [other.yaml, none.yaml]
        targets:
          - target: /a
            copy:
              - files: [gone, {name: gone2, hash: 1}]
              - dirs: [gone3]
          - {target: /$UNSET_VARIABLE}
        ''')
    result = place.run()
    expect_status(result, 1)
    for text in ('./other.yaml:1:24: targets[0]: unknown key "mkdir"', './other.yaml:1:46: targets[1].target', 'bom.yaml:1:24: includes[1]: none.yaml', 'bom.yaml:5:17: ',
                 'bom.yaml:5:43: ', 'bom.yaml:6:16: ', 'bom.yaml:7:14: ', '8 errors; nothing was changed'):
        expect(text in result.errors, f'stderr lacks {text}', result)
    expect(not os.path.exists(place.root), 'the root was made', result)


@case('refused: invalid UTF-8, a 17 MiB file, a BOM that is not there')
def _(place):
    place.write('bad.yaml', b'targets: [\xff\xfe]')
    result = place.run(bom='bad.yaml')
    expect(result.status == 1 and 'bad.yaml: not YAML: ' in result.errors and 'byte 10' in result.errors, 'not refused', result)
    place.write('big.yaml', b'#' * (17 << 20))
    result = place.run(bom='big.yaml')
    expect(result.status == 1 and 'larger than 16 MiB' in result.errors, 'not refused', result)
    result = place.run(bom='none.yaml')
    expect(result.status == 1 and 'none.yaml cannot be opened: No such file' in result.errors, 'not refused', result)


@case('refused: a file that changes between the look and the copy, by its hash; the old one stays')
def _(place):
    # A FIFO cannot be a source, so the file is changed by a library of ours that stands before open(2).
    place.write('swap.c', r'''
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <stdarg.h>
        #include <stdio.h>
        #include <string.h>
        int open64(const char *path, int flags, ...)
        {
            static int opened;
            va_list args;
            va_start(args, flags);
            int mode = va_arg(args, int);
            va_end(args);
            if (strcmp(path, "src/a") == 0 && ++opened == 2) {
                FILE *file = fopen("src/a", "r+");
                fputs("EVIL", file);
                fclose(file);
            }
            return ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64"))(path, flags, mode);
        }
        ''')
    must(['gcc', '-shared', '-fPIC', '-w', '-D_FORTIFY_SOURCE=0', 'swap.c', '-o', 'swap.so'], cwd=place.folder)
    place.write('src/a', 'good')
    place.write('root/a', 'older')
    digest = hashlib.sha256(b'good').hexdigest()
    place.bom(f'targets: [{{target: /, copy: [{{files: [{{name: src/a, hash: {digest}, autodep: false}}]}}]}}]')
    result = place.run(env={'LD_PRELOAD': place.path('swap.so')})
    expect(result.status == 1 and 'src/a changed while it was copied; /a is as it was' in result.errors, 'not noticed', result)
    expect(place.read('a') == 'older', 'the old file was replaced', result)
    place.expect_tree('a')


PRELOAD = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
int renameat(int a, const char *b, int c, const char *d)
{
    static int calls;
    if (++calls == 3)
        raise(SIGTERM);
    return ((int (*)(int, const char *, int, const char *))dlsym(RTLD_NEXT, "renameat"))(a, b, c, d);
}
"""


@case('an interrupted run: each file is the old or the new one; the same command goes on')
def _(place):
    for number in range(8):
        place.write(f'src/t/{number}', 'new')
        place.write(f'root/{number}', 'older')
    place.write('stop.c', PRELOAD)
    must(['gcc', '-shared', '-fPIC', '-w', 'stop.c', '-o', 'stop.so'], cwd=place.folder)
    place.bom('targets: [{target: /, copy: [{dirs: [src/t/]}]}]')
    result = place.run(env={'LD_PRELOAD': place.path('stop.so')})
    expect(result.status == 1 and 'stopped by signal 15' in result.errors, 'not stopped', result)
    place.expect_tree(*map(str, range(8)))
    found = [place.read(str(number)) for number in range(8)]
    expect(found == ['new'] * 3 + ['older'] * 5, f'the files hold {found}', result)
    expect_status(place.run(), 0)
    expect([place.read(str(number)) for number in range(8)] == ['new'] * 8, 'the second run did not go on')


@case('a file that cannot be written whole: the old one stays, the others are copied')
def _(place):
    place.write('src/t/a', 'small')
    place.write('src/t/big', 'x' * 300_000)
    place.write('src/t/c', 'small')
    place.write('root/big', 'older')
    place.bom('targets: [{target: /, copy: [{dirs: [src/t/]}]}]')

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    result = run_command([COPY_BOM, '-f', 'bom.yaml', '--root', 'root'], cwd=place.folder, env=clean_environment(), preexec=limit)
    expect(result.status == 1 and '/big could not be brought into the root: File too large' in result.errors, 'not told', result)
    place.expect_tree('a', 'big', 'c')
    expect(place.read('big') == 'older', 'the old file is gone')


@case('a file that says it is empty and is not')
def _(place):
    place.copy('targets: [{target: /, copy: [{files: [/proc/version]}]}]')
    expect(place.read('version').startswith('Linux'), 'it is empty')


@case('names of control characters do not reach the terminal')
def _(place):
    place.write('src/t/\x1b[31mred', 'x')
    result = place.copy('targets: [{target: /, copy: [{dirs: [src/t/]}]}]', '--dry-run', env={'OCCLUM_LOG_LEVEL': 'trace'})
    expect('\x1b' not in result.text + result.errors and '?[31mred' in result.text, 'an escape sequence', result)


refused('the root within a folder that is copied', 'targets: [{target: /x, copy: [{dirs: [./]}]}]', 'is the root that is copied to; leave it out by excludes')


# The command line

@case('the command line: help, version, what is missing, the nearest option')
def _(place):
    def run(*arguments):
        return run_command([COPY_BOM, *arguments], cwd=place.folder, env=clean_environment())
    result = run('--help')
    expect_status(result, 0)
    expect_contains(result, 'usage: copy_bom', '--dry-run', '--include-dir', 'exit status')
    expect(run('--version').text.startswith('copy_bom '), 'no version')
    for arguments, text in (((), 'Give -f BOM'), (('-f', 'x'), 'Give --root DIR'), (('-f',), 'a value is missing behind -f'), (('-f', 'x', '--root', 'y', 'z'), 'not an option: z'),
                            (('--dryrun',), 'Did you mean --dry-run?'), (('--inclde-dir', 'x'), 'Did you mean --include-dir?'), (('-q',), 'unknown option: -q')):
        result = run(*arguments)
        expect(result.status == 2 and text in result.errors, f'{arguments}: not {text!r} with status 2', result)
    expect(not os.path.exists(place.path('y')), 'a root was made')


@case('occlum copy-bom is copy_bom')
def _(place):
    place.bom('targets: [{target: /a}]')
    expect_status(occlum('copy-bom', '-f', 'bom.yaml', '--root', 'root', cwd=place.folder), 0)
    place.expect_tree('a')
    expect_contains(occlum('copy-bom', '--help'), 'usage: copy_bom')
    expect_status(occlum('copy-bom', '--nonsense'), 2)

group.main()
