#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""From Occlum.json to the signed enclave through the real programs: refusals, both arithmetics, hand-written Enclave.xml, keys."""
import json
import os
import pty
import random
import re
import shutil
import struct
import subprocess
import sys
import time

from harness import (BUILD, OCCLUM, PROJECT, Group, Instance, Skip, clean_environment, expect, expect_contains, expect_output, expect_status, kill_group, measured, occlum,
                     run_command, scratch)

sys.path.insert(0, os.path.join(PROJECT, 'tests', 'config'))
from bad_cases import CASES  # noqa: E402
from common import GOOD  # noqa: E402

group = Group()
GUIDE = os.path.join(PROJECT, 'tests', 'fuzz', 'corpus_json', 'guide.json')
OCCLUM_OWN = os.path.join(PROJECT, 'tests', 'fuzz', 'corpus_json', 'occlum.json')
TEMPLATE = os.path.join(PROJECT, 'src', 'config', 'template.json')
CHECKER = os.path.join(PROJECT, 'tests', 'sign', 'check_enclave.py')
MODES = {'plain': {'SGX_MODE': 'HW'}, 'edmm': {'SGX_MODE': 'HW', 'ENABLE_EDMM': 'Y'}, 'sim': {'SGX_MODE': 'SIM'}}
# design/edmm.md section 2, in bytes.
WORKED = {
    (OCCLUM_OWN, 'plain'): {'HeapInitSize': 33554432, 'HeapMaxSize': 33554432, 'TCSNum': 32, 'TCSMinPool': 32, 'TCSMaxNum': 32,
                            'ReservedMemInitSize': 314572800, 'UserRegionSize': None, 'MiscSelect': 0},
    (OCCLUM_OWN, 'edmm'): {'HeapInitSize': 33554432, 'HeapMaxSize': 1073741824, 'TCSNum': 16, 'TCSMinPool': 16, 'TCSMaxNum': 4096,
                           'ReservedMemInitSize': 314572800, 'UserRegionSize': 18253611008, 'MiscSelect': 1},
    (TEMPLATE, 'plain'): {'HeapInitSize': 33554432, 'HeapMaxSize': 33554432, 'TCSNum': 32, 'TCSMinPool': 32, 'TCSMaxNum': 32,
                          'ReservedMemInitSize': 314572800, 'UserRegionSize': None, 'MiscSelect': 0},
    (TEMPLATE, 'edmm'): {'HeapInitSize': 4194304, 'HeapMaxSize': 1073741824, 'TCSNum': 2, 'TCSMinPool': 2, 'TCSMaxNum': 4096,
                         'ReservedMemInitSize': 1048576, 'UserRegionSize': 18253611008, 'MiscSelect': 1},
    (GUIDE, 'plain'): {'HeapInitSize': 41943040, 'HeapMaxSize': 41943040, 'TCSNum': 64, 'TCSMinPool': 64, 'TCSMaxNum': 64,
                       'ReservedMemInitSize': 629145600, 'UserRegionSize': None, 'MiscSelect': 0},
    (GUIDE, 'edmm'): {'HeapInitSize': 4194304, 'HeapMaxSize': 1073741824, 'TCSNum': 2, 'TCSMinPool': 2, 'TCSMaxNum': 4096,
                      'ReservedMemInitSize': 1048576, 'UserRegionSize': 18253611008, 'MiscSelect': 1},
}


def setup():
    instance = Instance('config', **{'resource_limits.user_space_size': '64MB'})
    instance.compile('hello', 'limited_fs')
    instance.build()
    return instance


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def write(path, content):
    with open(path, 'wb') as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def state_of(folder):
    """All files below with their contents, modes and times to the nanosecond."""
    state = {}
    for path, _, names in os.walk(folder):
        for name in names + ['.']:
            full = os.path.join(path, name)
            stat = os.lstat(full)
            state[full] = (stat.st_mtime_ns, stat.st_mode, stat.st_ino, None if name == '.' else read(full))
    return state


def files_of(folder):
    """The same without the folders themselves."""
    return {path: state for path, state in state_of(folder).items() if not path.endswith('/.')}


class Configured:
    """For a while the instance has another Occlum.json."""

    def __init__(self, instance, content):
        self.path, self.content, self.kept = instance.config_path, content, read(instance.config_path)

    def __enter__(self):
        if self.content is not None:
            write(self.path, self.content)

    def __exit__(self, *_):
        write(self.path, self.kept)


@group.case(f'{len(CASES)} bad Occlum.json: build and config say what and where; the old build stays to the last bit and time')
def _(instance):
    before, wrong = state_of(instance.folder + '/build'), []
    with Configured(instance, None):
        for number, case in enumerate(CASES):
            write(instance.config_path, case.text)
            place = f'{case.place[0]}:{case.place[1]}' if case.place else r'\d+:\d+'
            for verb in ('build', 'config'):
                result = occlum(verb, cwd=instance.folder)
                lines = [line for line in result.errors.splitlines() if case.message in line]
                if result.status != 1 or result.out or not any(re.match(rf'Occlum\.json:{place}: ', line) for line in lines):
                    wrong.append(f'{number} {verb}: wanted {place}: {case.message}\n{result.describe()}')
    expect(not wrong, f'{len(wrong)} refusals are not right:\n' + '\n'.join(wrong[:5]))
    expect(state_of(instance.folder + '/build') == before, 'an output changed')
    expect_output(instance.run('/bin/hello'), 'Hello, world!\n')


@group.case('files that are none: a directory, a FIFO, 100 MB, missing, unreadable text')
def _(instance):
    before, path = state_of(instance.folder + '/build'), instance.config_path

    def big():
        write(path, b'{"x": "' + b'a' * (100 << 20) + b'"}')
    makers = [('expected a regular file', lambda: os.mkdir(path)), ('expected a regular file', lambda: os.mkfifo(path)),
              ('expected at most 4 MiB', big), ('Occlum.json', lambda: None), ('expected a regular file', lambda: os.symlink('/dev/zero', path))]
    with Configured(instance, None):
        for message, make in makers:
            os.unlink(path)
            make()
            for verb in ('build', 'config'):
                result = occlum(verb, cwd=instance.folder)
                expect(result.status == 1 and message in result.errors and 'Occlum.json' in result.errors and not result.out, message, result)
            if os.path.isdir(path):
                os.rmdir(path)
            elif os.path.lexists(path):
                os.unlink(path)
            write(path, '')
    expect(state_of(instance.folder + '/build') == before, 'an output changed')


@group.case('all errors of a file in one run, whatever their kind')
def _(instance):
    bad = json.loads(json.dumps(GOOD))
    bad['resource_limits'].update(user_space_max_size='4KB', init_num_of_threads=0, kernel_space_stack_size='1000B')
    bad['metadata'] = {'product_id': -1, 'enable_ks': True}
    bad['entry_points'] = ['bin', '/ok', '../x']
    del bad['process']['default_heap_size']
    with Configured(instance, json.dumps(bad, indent=1)):
        result = occlum('build', cwd=instance.folder)
    expect_status(result, 1)
    lines = [line for line in result.errors.splitlines() if line.startswith('Occlum.json:')]
    for words in ('user_space_size: found', 'init_num_of_threads: found 0', 'found "1000B"', 'product_id: found -1', 'expected "enable_kss"?',
                  'entry_points[0]', 'entry_points[2]', 'default_heap_size: found nothing'):
        expect(sum(words in line for line in lines) == 1, f'not once: {words}', result)
    expect(len(lines) == 8, f'{len(lines)} messages', result)


@group.case('control characters of a file do not reach the terminal')
def _(instance):
    with Configured(instance, json.dumps({'\x1b[2J': 1, 'entry_points': ['\x1b]0;x\x07']})):
        result = occlum('build', cwd=instance.folder)
    expect(result.status == 1 and b'\x1b' not in result.err and b'\x07' not in result.err, 'they do', result)


def elements_of(text):
    return {name: int(value, 0) for name, value in re.findall(r'<(\w+)>(\w+)</\1>', text)}


def leaves(schema, path=''):
    for name, node in schema.get('properties', {}).items():
        if 'properties' in node:
            yield from leaves(node, f'{path}{name}.')
        else:
            yield path + name


def another_value(path, config):
    """A good value of a field that is neither its default nor what the configuration has."""
    if path == 'mount':
        return [{'target': '/', 'type': 'unionfs'}, {'target': '/elsewhere', 'type': 'ramfs'}]
    if path in ('entry_points', 'env.untrusted'):
        return ['/opt'] if path == 'entry_points' else ['ANOTHER']
    if path == 'env.default':
        return ['ANOTHER=1']
    if path.startswith(('metadata.family_id', 'metadata.ext_prod_id')):
        return '0x12'
    if 'size' in path:
        return {'user_space_max_size': '768MB', 'user_space_size': '32MB', 'kernel_space_heap_max_size': '100MB'}.get(path.rpartition('.')[2], '12MB')
    if 'num_of_threads' in path:
        return 24 if path.endswith('max_num_of_threads') else 3
    if path.startswith('metadata.') and path.endswith(('id', 'number')):
        return 7
    if path in ('feature.amx', 'feature.pkru'):
        return 1
    if path == 'feature.io_uring':
        return 2
    folder, name = path.split('.')
    return not config.get(folder, {}).get(name, path == 'metadata.disable_log')


@group.case('no field is ignored in silence: another value makes another enclave, or is warned of or refused by name')
def _(instance):
    original = json.loads(read(instance.config_path))
    original.setdefault('feature', {})['enforce_max_limits'] = True
    original['metadata'].update(enable_kss=True, debuggable=False)
    fields = list(leaves(json.loads(read(PROJECT + '/docs/Occlum.schema.json'))))
    expect(len(fields) >= 28, f'the schema has only {fields}')
    enclave = instance.folder + '/build/lib/libocclum-libos.signed.so'

    def build(config):
        env = {'SGX_MODE': 'HW'} if config['feature'].pop('in_file', False) else MODES['edmm']
        with Configured(instance, json.dumps(config)):
            result = occlum('build', cwd=instance.folder, env=env)
            return result, read(enclave) if result.status == 0 else None
    base, in_file = build(original)[1], build({**original, 'feature': {**original['feature'], 'in_file': True}})[1]
    for path in fields:
        config = json.loads(json.dumps(original))
        node, (*folders, name) = config, path.split('.')
        for folder in folders:
            node = node.setdefault(folder, {})
        expect(node.get(name) != another_value(path, original), f'{path}: not another value')
        node[name] = another_value(path, original)
        config['feature']['in_file'] = path == 'feature.enable_edmm'
        result, made = build(config)
        told = path in result.errors
        expect(told if result.status else made != (in_file if path == 'feature.enable_edmm' else base) or told, f'{path} is ignored', result)
        print(f'# {path}: {"refused" if result.status else "warned of" if told else "another enclave"}')
    instance.build()


@group.case("the guide's example, Occlum's own and the template build in both arithmetics and give the worked values")
def _(instance):
    for (path, mode), worked in WORKED.items():
        with Configured(instance, read(path)):
            result = occlum('build', cwd=instance.folder, env=MODES[mode], timeout=120)
        expect_status(result, 0)
        found = elements_of(read(instance.folder + '/build/Enclave.xml').decode())
        expect({name: found.get(name) for name in worked} == worked, f'{path} {mode}: {found}')
    instance.build()


@group.case('SIM with ENABLE_EDMM=Y, --enable-edmm Y and feature.enable_edmm: the non-EDMM arithmetic, and it says so')
def _(instance):
    instance.build('-f')
    plain = read(instance.folder + '/build/Enclave.xml')
    feature = json.loads(read(instance.config_path))
    feature.setdefault('feature', {})['enable_edmm'] = True
    ways = [(None, {'ENABLE_EDMM': 'Y'}, []), (None, {}, ['--enable-edmm', 'Y']), (json.dumps(feature), {}, [])]
    for config, env, options in ways:
        with Configured(instance, config):
            result = occlum('build', '-f', *options, cwd=instance.folder, env={'SGX_MODE': 'SIM', **env}, timeout=120)
            shown = occlum('config', '--xml', cwd=instance.folder, env={'SGX_MODE': 'SIM', **env})
        expect_status(result, 0)
        expect('EDMM is ignored: SGX_MODE=SIM takes precedence' in result.errors, 'it does not say so', result)
        expect(read(instance.folder + '/build/Enclave.xml') == plain, 'another arithmetic')
        expect('EDMM off' in result.text, 'the end does not say so', result)
        expect(bool(options) or 'EDMM is ignored' in shown.errors, 'occlum config does not say so', shown)
    instance.build()


def signed(instance):
    """(ELRANGE, bytes in the region table) of the built enclave; formats of abi/occlum/layout.h."""
    data = read(instance.folder + '/build/lib/libocclum-libos.signed.so')
    _, _, count, table, _, _, _ = struct.unpack_from('<QIIQQII', data)
    elrange = struct.unpack_from('<QIIQ', data, 40)[3]
    return elrange, sum(struct.unpack_from('<QQQQQ24s', data, table + i * 64)[1] for i in range(count))


@group.case('occlum config tells the ELRANGE and the committed memory that the signer makes, and the independent checker finds them sound')
def _(instance):
    limits = [{}, {'user_space_size': '4KB', 'kernel_space_heap_size': '4KB', 'max_num_of_threads': 1, 'kernel_space_stack_size': '4KB'},
              {'user_space_size': '459MB'}, {'user_space_size': '1GB', 'user_space_max_size': '70GB', 'kernel_space_heap_max_size': '3GB'},
              {'kernel_space_stack_size': '4MB', 'max_num_of_threads': 100, 'init_num_of_threads': 7}]
    seen, checked = set(), 0
    for change in limits:
        config = json.loads(read(instance.config_path))
        config['resource_limits'].update(change)
        with Configured(instance, json.dumps(config)):
            shown = json.loads(occlum('config', '--json', cwd=instance.folder).text)
            for mode, env in MODES.items():
                expect_status(occlum('build', cwd=instance.folder, env=env, timeout=120), 0)
                elrange, committed = signed(instance)
                one = shown['edmm' if mode == 'edmm' else 'non_edmm']
                expect(elrange == (shown['elrange_sim'] if mode == 'sim' else one['elrange']), f'{change} {mode}: ELRANGE is {elrange}, shown {shown}')
                expect(committed == one['committed'], f'{change} {mode}: committed is {committed}, shown {one["committed"]}')
                seen.add(elrange)
                if committed < 1 << 30:  # the checker is Python: a second for each GB
                    checked += 1
                    result = run_command(['/usr/bin/python3', CHECKER, instance.folder + '/build/lib/libocclum-libos.signed.so'])
                    identity = occlum('print', 'mrenclave', cwd=instance.folder).text.split()[-1]
                    expect(result.status == 0 and result.text.strip() == identity, 'the independent checker of tests/sign finds another enclave', result)
    expect(checked > 8 and len(seen) > 4, f'the layouts are too much alike: {seen}')
    instance.build()


@group.case('occlum config: both builds side by side, units, memory, warnings')
def _(instance):
    with Configured(instance, read(GUIDE)):
        result = occlum('config', cwd=instance.folder)
        scripts = json.loads(occlum('config', '--json', cwd=instance.folder).text)
    expect_status(result, 0)
    rows = {line[:24].strip(): line[24:].split('  ') for line in result.text.splitlines()}
    for name, plain, edmm in (('HeapInitSize', '41943040 (40 MB)', '4194304 (4 MB)'), ('TCSNum', '64', '2'), ('UserRegionSize', '-', '18253611008 (17 GB)')):
        cells = [cell.strip() for cell in rows[name] if cell.strip()]
        expect(cells == [plain, edmm], f'{name}: {cells}', result)
    expect_contains(result, 'without EDMM', 'with EDMM', 'Committed at start', 'Maximum', 'ELRANGE', 'Time to load, estimated', 'default_mmap_size: required, but inoperative',
                    'kernel_space_heap_max_size: raised to the default of 1GB', 'user_space_max_size: raised to the default of 16GB',
                    'max_num_of_threads: raised to the default of 4096', 'init_num_of_threads: has no effect without EDMM')
    expect(len(scripts['warnings']) >= 5 and all(re.match(r'Occlum\.json:\d+:\d+: warning: ', line) for line in scripts['warnings']), f'{scripts["warnings"]}')
    expect(b'\x1b' not in result.out, 'colours without a terminal', result)


@group.case('warnings: a large Max without EDMM (Note 2), threads capped, ids without KSS')
def _(instance):
    config = json.loads(read(instance.config_path))
    config['resource_limits'].update(user_space_max_size='20GB', init_num_of_threads=40)
    config['metadata'] = {'family_id': {'high': '0x1'}}
    with Configured(instance, json.dumps(config)):
        result = occlum('config', cwd=instance.folder)
        built = occlum('build', cwd=instance.folder, env=MODES['edmm'], timeout=120)
    expect_contains(result, 'is committed at start: slow, and it may not load', 'init_num_of_threads: 40 is capped to 16', 'no effect without metadata.enable_kss')
    expect(built.status == 0 and '40 is capped to 16' in built.errors, 'the build does not warn', built)
    instance.build()


def on_terminal(command, cwd, env):
    """What a command writes to a terminal, and its status."""
    primary, secondary = pty.openpty()
    process = subprocess.Popen(command, stdin=secondary, stdout=secondary, stderr=secondary, cwd=cwd, env=clean_environment({'TERM': 'xterm', **env}))
    os.close(secondary)
    out = b''
    try:
        while chunk := os.read(primary, 65536):
            out += chunk
    except OSError:  # EIO: the last writer is gone
        pass
    os.close(primary)
    return process.wait(), out


@group.case('occlum config: colours on a terminal only, and not with NO_COLOR')
def _(instance):
    plain = occlum('config', cwd=instance.folder).out
    for env, coloured in (({}, True), ({'NO_COLOR': '1'}, False), ({'NO_COLOR': ''}, True), ({'TERM': 'dumb'}, False)):
        status, out = on_terminal([OCCLUM, 'config'], instance.folder, env)
        expect(status == 0 and (b'\x1b[' in out) == coloured, f'{env}: {out!r}')
        bare = re.sub(rb'\x1b\[\d*m', b'', out).replace(b'\r\n', b'\n')
        expect(bare == plain, f'{env}: the text differs')


@group.case('occlum build: progress on a terminal only')
def _(instance):
    status, out = on_terminal([OCCLUM, 'build', '-f'], instance.folder, {})
    expect(status == 0 and re.search(rb'\r\x1b\[K\[[# ]{20}\] \w+', out), f'no progress: {out!r}')
    result = instance.build('-f')
    expect(b'\r' not in result.out + result.err and b'[#' not in result.out + result.err, 'progress without a terminal', result)


def xml_of(instance, mode='sim', **changes):
    """A whole Enclave.xml as a person might write it: other order, hexadecimal, comments."""
    text = occlum('config', '--xml', '--edmm', 'Y' if mode == 'edmm' else 'N', cwd=instance.folder).text
    values = elements_of(text)
    values.update(changes)
    lines = [f'    <{name}> {hex(value) if number % 2 else value} </{name}>' for number, (name, value) in enumerate(values.items()) if value is not None]
    return '<?xml version="1.0"?>\n<!-- by hand -->\n<EnclaveConfiguration>\n' + '\n'.join(reversed(lines)) + '\n</EnclaveConfiguration>\n'


@group.case('build --enclave-xml: a hand-written file is signed as it is, kept in build/, and runs')
def _(instance):
    path = os.path.join(scratch(), 'Own.xml')
    heap = 24 << 20
    write(path, xml_of(instance, HeapInitSize=heap, HeapMaxSize=heap, HeapMinSize=heap, ProdID=77))
    result = occlum('build', '--enclave-xml', path, cwd=instance.folder, timeout=120)
    expect_status(result, 0)
    expect(read(instance.folder + '/build/Enclave.xml') == read(path), 'build/Enclave.xml is another')
    expect(re.search(r'isvprodid\D+77\b', occlum('print', 'sigstruct', cwd=instance.folder).text.lower()), 'the signature does not hold its ProdID')
    expect_output(instance.run('/bin/hello'), 'Hello, world!\n')
    again = occlum('build', '--enclave-xml', path, cwd=instance.folder)
    expect('Nothing has changed' in again.text, 'built again without a change', again)
    write(path, xml_of(instance, ProdID=78))
    changed = occlum('build', '--enclave-xml', path, cwd=instance.folder, timeout=120)
    expect('Nothing has changed' not in changed.text and changed.status == 0, 'a change was not seen', changed)
    write(path, xml_of(instance, 'edmm', TCSNum=3, TCSMinPool=3))
    expect_status(occlum('build', '--enclave-xml', path, cwd=instance.folder, env=MODES['edmm'], timeout=120), 0)
    instance.build()


def bad_xml(instance):
    good = xml_of(instance)

    def put(old, new, message, text=good):
        expect(old in text, f'the case has no {old}')
        index = text.index(old) + (len(old) - len(old.lstrip()))
        line = text.count('\n', 0, index) + 1
        return text.replace(old, new, 1), f'{line}:{index - text.rfind(chr(10), 0, index)}: ', message
    element = {match.group(1): match.group() for match in re.finditer(r'<(\w+)> \w+ </\1>', good)}

    def value(name, new, message):
        return put(element[name], f'<{name}>{new}</{name}>', f'{name}: found {message}')
    anywhere = r'\d+:\d+: '
    return [
        value('HeapInitSize', 4096, '4096; expected HeapMaxSize without EDMM'), value('HeapMaxSize', 4097, '4097; expected a multiple of 4096'),
        value('StackMinSize', 8192, '8192; expected StackMaxSize'), value('TCSNum', 0, '0; expected 1 to 65536'), value('TCSNum', 65537, '65537; expected 1 to'),
        value('TCSPolicy', 1, '1; expected 0'), value('ProdID', 65536, '65536; expected 0 to 65535'), value('ProdID', -1, '"-1"; expected a decimal'),
        value('ProdID', '1.5', '"1.5"; expected a decimal'), value('ProdID', '', 'nothing; expected a decimal'), value('ProdID', '1MB', '"1MB"; expected a decimal'),
        value('ProdID', '18446744073709551616', '"18446744073709551616"; expected a decimal'), value('ProdID', '9' * 99, 'an overlong text; expected'),
        value('PKRU', 3, '3; expected 0 to 2'), value('ISVFAMILYID_H', 5, '5; expected 0 when EnableKSS is 0'), value('ReservedMemExecutable', 0, '0; expected 1'),
        value('ReservedMemMaxSize', 4096, '4096; expected ReservedMemInitSize'), value('MiscMask', '0x1ffffffff', '8589934591; expected 0 to'),
        put(element['AMX'], '<AMX a="b">0</AMX>', 'AMX: found an attribute; expected none'),
        (good.replace(element['AMX'], '<AMX><b/></AMX>'), r'\d+:10: ', 'b: found an element within a value; expected a number'),
        put(element['HeapMaxSize'], '<HeapMaxSise>4096</HeapMaxSise>', 'HeapMaxSise: found an unknown element; expected "HeapMaxSize"?'),
        put(element['PKRU'], element['AMX'] + element['PKRU'], 'AMX: found it a second time')[:1] + (anywhere, 'AMX: found it a second time'),
        (good.replace(element['TCSNum'], ''), anywhere, 'TCSNum: found nothing; expected this element'),
        (good.replace(element['PKRU'], '<UserRegionSize>4096</UserRegionSize>' + element['PKRU']), anywhere, 'UserRegionSize: found it; expected no such element without EDMM'),
        (good.replace('</EnclaveConfiguration>', 'stray</EnclaveConfiguration>'), anywhere, 'EnclaveConfiguration: found text'),
        (good.replace('EnclaveConfiguration>', 'Enclave>'), '3:1: ', 'Enclave: found it as the root element; expected EnclaveConfiguration'),
        (good.replace('<EnclaveConfiguration>', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><EnclaveConfiguration>'), '3:', 'DOCTYPE'),
        (good[:200], anywhere, 'expected a well-formed document'), ('', anywhere, 'expected a well-formed document'), ('{}', '1:1: ', 'expected a well-formed document'),
        (good.encode() + b'\0', anywhere, 'expected a well-formed document'), (good.replace('by hand', 'b\xff').encode('latin-1'), anywhere, 'expected a well-formed document'),
        ('<EnclaveConfiguration>' * 20000, anywhere, 'expected a'), (good + ' ' * (1 << 20), '', 'expected at most 1048576'),
        (good.replace(element['TCSNum'], '<\x1b/>'), anywhere, 'expected a well-formed document'),
    ]


@group.case('build --enclave-xml: bad files are refused with line, column, element, found and right; the old build stays')
def _(instance):
    path = os.path.join(scratch(), 'Bad.xml')
    cases, before = bad_xml(instance), state_of(instance.folder + '/build')
    expect(len(cases) >= 30, f'only {len(cases)}')
    for text, place, message in cases:
        write(path, text)
        result = occlum('build', '--enclave-xml', path, cwd=instance.folder)
        lines = [line for line in result.errors.splitlines() if message in line and re.match('(occlum: )?' + re.escape(path) + ':' + (place or ' '), line)]
        expect(result.status == 1 and lines and not result.out and b'\x1b' not in result.err, f'not refused with {place}{message}', result)
    for wrong in (instance.folder, '/nowhere.xml', '/dev/zero'):
        result = occlum('build', '--enclave-xml', wrong, cwd=instance.folder)
        expect(result.status == 1 and wrong in result.errors, 'not refused', result)
    both = xml_of(instance, ProdID=65536, TCSPolicy=1, StackMinSize=12345).replace('<AMX>', '<AMY>').replace('</AMX>', '</AMY>')
    write(path, both)
    result = occlum('build', '--enclave-xml', path, cwd=instance.folder)
    for words in ('ProdID: found 65536', 'TCSPolicy: found 1', 'StackMinSize: found 12345', 'AMY: found an unknown', 'AMX: found nothing'):
        expect(words in result.errors, f'one run does not tell {words}', result)
    expect(state_of(instance.folder + '/build') == before, 'an output changed')
    expect_output(instance.run('/bin/hello'), 'Hello, world!\n')


@group.case('an EDMM build refuses Init over Max in each pair of a hand-written file')
def _(instance):
    path = os.path.join(scratch(), 'Pairs.xml')
    for changes, message in (({'HeapInitSize': 2 << 30, 'HeapMinSize': 2 << 30}, 'HeapInitSize: found 2147483648; expected at most HeapMaxSize'),
                             ({'TCSNum': 5000, 'TCSMinPool': 5000}, 'TCSNum: found 5000; expected at most TCSMaxNum'),
                             ({'UserRegionSize': 4096}, 'UserRegionSize: found 4096; expected ReservedMemInitSize, or'),
                             ({'MiscSelect': 0}, 'MiscSelect: found 0; expected 1 in an EDMM build'), ({'UserRegionSize': None}, 'UserRegionSize: found nothing')):
        write(path, xml_of(instance, 'edmm', **changes))
        result = occlum('build', '--enclave-xml', path, cwd=instance.folder, env=MODES['edmm'])
        expect(result.status == 1 and message in result.errors, f'not refused: {message}', result)


@group.case('Init over Max in each pair of Occlum.json, with enforce_max_limits also under EDMM')
def _(instance):
    before = state_of(instance.folder + '/build')
    for change, field in (({'kernel_space_heap_size': '32MB', 'kernel_space_heap_max_size': '4MB'}, 'kernel_space_heap_size'),
                          ({'user_space_size': '64MB', 'user_space_max_size': '4MB'}, 'user_space_size'),
                          ({'init_num_of_threads': 8, 'max_num_of_threads': 4}, 'init_num_of_threads')):
        config = json.loads(read(instance.config_path))
        config['resource_limits'].update(change)
        config.setdefault('feature', {})['enforce_max_limits'] = True
        with Configured(instance, json.dumps(config)):
            result = occlum('build', cwd=instance.folder, env=MODES['edmm'])
        expect(result.status == 1 and re.search(rf'Occlum\.json:\d+:\d+: resource_limits\.{field}: found \d+ .*expected at most', result.errors), field, result)
    expect(state_of(instance.folder + '/build') == before, 'an output changed')


@group.case('the default signing key: made once, outside the instance and the project, 0600, announced')
def _(instance):
    home = os.path.join(scratch(), 'home-of-key')
    os.mkdir(home)
    result = occlum('build', '-f', cwd=instance.folder, env={'HOME': home}, timeout=120)
    expect_status(result, 0)
    key = home + '/.config/occlum/sign-key.pem'
    expect(key in result.errors and os.stat(key).st_mode & 0o777 == 0o600 and os.stat(os.path.dirname(key)).st_mode & 0o777 == 0o700, 'not so', result)
    again = occlum('build', '-f', cwd=instance.folder, env={'HOME': home}, timeout=120)
    expect(again.status == 0 and 'key' not in again.errors, 'announced twice', again)
    for folder in (instance.folder, PROJECT + '/src', BUILD + '/src'):
        found = run_command(['find', folder, '-name', '*.pem']).text
        expect(not found, f'a key in {folder}: {found}')
    instance.build('-f')


@group.case('a signing key of another size or exponent is refused and says what to do; the old build stays')
def _(instance):
    before = state_of(instance.folder + '/build')
    for options, message in ((['-3', '2048'], '2048 bits'), (['-3', '4096'], '4096 bits'), (['3072'], 'exponent is not 3')):
        key = os.path.join(scratch(), 'wrong.pem')
        if run_command(['openssl', 'genrsa', *options[:-1], '-out', key, options[-1]]).status != 0:
            raise Skip('no openssl command on this machine')
        result = occlum('build', '--sign-key', key, cwd=instance.folder)
        expect(result.status == 1 and message in result.errors and 'openssl genrsa -3' in result.errors, message, result)
        os.unlink(key)
    expect(state_of(instance.folder + '/build') == before, 'an output changed')


@group.case('a 300 MB image is built with less than 200 MB of memory')
def _(instance):
    folder = os.path.join(scratch(), 'large')
    expect_status(occlum('new', folder), 0)
    expect_status(run_command(['dd', 'if=/dev/urandom', f'of={folder}/image/opt/large', 'bs=1M', 'count=300']), 0)
    _, memory = measured([OCCLUM, 'build'], folder)
    expect(memory < 200 << 10, f'{memory} KiB')
    _, least = measured(['true'], folder)
    expect(least < 30 << 10, f'the measure itself is not small: {least} KiB')
    expect(os.path.getsize(folder + '/build/image.erofs') > 300 << 20, 'the image is too small')
    shutil.rmtree(folder)


@group.case('a build killed at any moment leaves outputs that run, and the next one leaves no scrap')
def _(instance):
    rounds, chance = int(os.environ.get('OCCLUM_BUILD_KILLS', '12')), random.Random(1)
    for turn in range(rounds):
        write(instance.image + '/opt/turn', str(turn) * 100000)
        process = subprocess.Popen([OCCLUM, 'build'], cwd=instance.folder, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(chance.random() * 0.15)
        kill_group(process)
        process.wait()
        expect_output(instance.run('/bin/hello'), 'Hello, world!\n')
    instance.build()
    left = [name for _, _, names in os.walk(instance.folder + '/build') for name in names if '.new' in name]
    expect(not left, f'left behind: {left}')


@group.case('outputs that were changed or lost: a run says what to do, and the next build makes them again')
def _(instance):
    instance.build()
    image, enclave = instance.folder + '/build/image.erofs', instance.folder + '/build/lib/libocclum-libos.signed.so'
    good = read(image), read(enclave)
    for path in (image, enclave):
        for change in ('junk', None):
            os.unlink(path) if change is None else write(path, change)
            result = instance.run('/bin/hello')
            expect(result.status != 0 and 'occlum build' in result.errors, 'no cure', result)
            instance.build()
            expect_output(instance.run('/bin/hello'), 'Hello, world!\n')
            expect((read(image), read(enclave)) == good, 'another build')


@group.case('a build that cannot write its outputs says why; the old ones stay')
def _(instance):
    before = files_of(instance.folder + '/build')
    write(instance.image + '/opt/turn', 'another')
    for blocks in (1, 64, 300):  # of 512 bytes
        result = run_command(['sh', '-c', f'ulimit -f {blocks}; exec "$0" build', OCCLUM], cwd=instance.folder, env=clean_environment())
        expect(result.status != 0 and result.errors, 'not refused', result)
        expect('signal' in result.errors or 'large' in result.errors or 'truncated' in result.errors, 'no reason', result)
    expect(files_of(instance.folder + '/build') == before, 'an output changed')
    os.unlink(instance.image + '/opt/turn')
    instance.build()


@group.case('a ramfs with a size is full at that size, and statfs shows it')
def _(instance):
    config = json.loads(read(instance.config_path))
    config['mount'] = [{'target': '/', 'type': 'unionfs'}, {'target': '/small', 'type': 'ramfs', 'options': {'size': '1MB'}}]
    with Configured(instance, json.dumps(config)):
        instance.build()
        result = instance.run('/bin/limited_fs', '/small')
    instance.build()
    expect_output(result, 'blocks 256 free 256\nwritten 1048576, then ENOSPC\nfree 0\nafter unlink free 256\n')


if __name__ == '__main__':
    group.main(setup)
