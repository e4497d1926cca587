# SPDX-License-Identifier: BSD-3-Clause
"""Bad Occlum.json files: text, a part of the message, and where the message must point (line, column; counted here, not by
the parser)."""
import copy
import json
from dataclasses import dataclass

from common import GOOD

MARK = '@@mark@@'


@dataclass
class Case:
    text: bytes
    message: str
    place: tuple  # or None: any


CASES = []


def position(text, index):
    """Line and column (in bytes) of a character."""
    before = text[:index].encode()
    return before.count(b'\n') + 1, len(before) - (before.rfind(b'\n') + 1) + 1


def raw(text, message, place=None):
    CASES.append(Case(text if isinstance(text, bytes) else text.encode(), message, place))


def descend(tree, path):
    *folders, name = path.split('.')
    for folder in folders:
        tree = tree.setdefault(folder, {})
    return tree, name


def change(path, value, message, at='value', literal=None):
    """GOOD with one value set (literal: as it stands in the file). at: what the message points to, the value or the key."""
    tree = copy.deepcopy(GOOD)
    node, name = descend(tree, path)
    node[name] = MARK
    text = json.dumps(tree, indent=1)
    index = text.index(f'"{MARK}"')
    key = text.rindex(f'"{name}"', 0, index)
    shown = literal if literal is not None else json.dumps(value)
    raw(text.replace(f'"{MARK}"', shown), message, at and position(text, key if at == 'key' else index))


def remove(path, message):
    """GOOD without one value: the message points to the object that lacks it."""
    tree = copy.deepcopy(GOOD)
    node, name = descend(tree, path)
    del node[name]
    text = json.dumps(tree, indent=1)
    parent = path.rpartition('.')[0]
    raw(text, message, position(text, text.index('{', text.index(f'"{parent}"')) if parent else 0))


def mounts(extra, message, root=True, at=None):
    change('mount', ([{'target': '/', 'type': 'unionfs'}] if root else []) + [extra], message, at)


NUMBERS = [f'{o}.{k}' for o in GOOD for k in GOOD[o]]
SIZES = [path for path in NUMBERS if 'size' in path]
OPTIONAL_SIZES = ['resource_limits.kernel_space_heap_max_size', 'resource_limits.user_space_max_size', 'resource_limits.marshal_buffer_size']
USER, THREADS, HEAP = 'resource_limits.user_space_size', 'resource_limits.max_num_of_threads', 'resource_limits.kernel_space_heap_size'

# Each required field.
for path in NUMBERS + list(GOOD):
    remove(path, f'{path}: found nothing; expected')
# Sizes.
for path in SIZES + OPTIONAL_SIZES:
    change(path, 32, f'{path}: found 32; expected a size such as')
    change(path, None, f'{path}: found null; expected a size such as')
    change(path, '1000B', f'{path}: found "1000B"; expected a multiple of 4KB')
    change(path, '0MB', f'{path}: found "0MB"; expected a size over 0')
for text in ('10', '10 XB', '1.5MB', '-1MB', '1e9B', '16777216TB', '99999999999999999999B', '', 'MB', '10mb', '10  MB', '10MB ', '0x10MB', '+1MB'):
    change(USER, text, f'{USER}: found "{text}"; expected a size such as')
# Counts.
for value, shown in ((0, '0'), (-1, '-1'), (1.5, '1.5'), (65537, '65537'), (2**32, '4294967296'), (2**64, str(2**64)), ('10', '"10"'), (True, 'true'), ([], 'an array'), ({}, 'an object')):
    change(THREADS, value, f'{THREADS}: found {shown}; expected an integer from 1 to 65536')
    change('resource_limits.init_num_of_threads', value, f'resource_limits.init_num_of_threads: found {shown}; expected an integer from 1 to')
change(THREADS, None, f'{THREADS}: found 1e9; expected an integer', literal='1e9')
change(THREADS, None, f'{THREADS}: found 10.0; expected an integer', literal='10.0')
# Init over Max, and too large an enclave.
change('resource_limits.user_space_max_size', '4KB', f'{USER}: found 314572800 bytes; expected at most the maximum, 4096', at=None)
change('resource_limits.kernel_space_stack_size', '1048580KB', 'resource_limits.kernel_space_stack_size: found "1048580KB"; expected at most 1024MB')
change(USER, '70TB', 'resource_limits: found maxima beyond 2^46 bytes')
change(USER, f'{2**64 - 4096}B', 'resource_limits: found maxima beyond 2^46 bytes')
change('resource_limits.kernel_space_heap_max_size', '70TB', 'resource_limits: found maxima beyond 2^46 bytes')
# Unknown keys at each level.
change('user_sapce', {}, 'user_sapce: found an unknown key', at='key')
change('proces', {}, 'proces: found an unknown key; expected "process"?', at='key')
change('resource_limits.user_space_sizes', '1MB', 'resource_limits.user_space_sizes: found an unknown key; expected "user_space_size"?', at='key')
change('process.default_stacksize', '1MB', 'process.default_stacksize: found an unknown key; expected "default_stack_size"?', at='key')
change('env.defaults', [], 'env.defaults: found an unknown key; expected "default"?', at='key')
change('metadata.debugable', True, 'metadata.debugable: found an unknown key; expected "debuggable"?', at='key')
change('metadata.family_id.hihg', '0', 'metadata.family_id.hihg: found an unknown key; expected "high"?', at='key')
change('metadata.ext_prod_id.lo', '0', 'metadata.ext_prod_id.lo: found an unknown key; expected "low"?', at='key')
change('feature.enable_emmd', True, 'feature.enable_emmd: found an unknown key; expected "enable_edmm"?', at='key')
mounts({'target': '/x', 'type': 'ramfs', 'sorce': 'y'}, 'mount[1].sorce: found an unknown key; expected "source"?')
mounts({'target': '/x', 'type': 'ramfs', 'options': {'sise': '4KB'}}, 'mount[1].options.sise: found an unknown key; expected "size"?')
# What does not exist yet is refused when it is switched on.
change('feature.io_uring', 4, 'feature.io_uring: found 4; expected 0: io_uring is not supported yet')
# Types and ranges of the others.
change('feature.amx', 3, 'feature.amx: found 3; expected an integer from 0 to 2')
change('feature.pkru', -1, 'feature.pkru: found -1; expected an integer from 0 to 2')
change('feature.enable_edmm', 'Y', 'feature.enable_edmm: found "Y"; expected true or false')
change('feature', 1, 'feature: found 1; expected an object')
change('resource_limits', [], 'resource_limits: found an array; expected an object', at=None)
change('metadata.product_id', 65536, 'metadata.product_id: found 65536; expected an integer from 0 to 65535')
change('metadata.version_number', 1.0, 'metadata.version_number: found 1.0; expected an integer from 0 to 65535')
for text in ('0xg', '', '0x', '0x11112222333344445', '-1', ' 1'):
    change('metadata.ext_prod_id.low', text, f'metadata.ext_prod_id.low: found "{text}"; expected 1 to 16 hexadecimal')
    change('metadata.family_id.high', text, f'metadata.family_id.high: found "{text}"; expected 1 to 16 hexadecimal')
change('metadata.family_id.high', 5, 'metadata.family_id.high: found 5; expected 1 to 16 hexadecimal')
for text in ('bin', '/bin/..', '/a//b', '/./a', '/bin/', ''):
    change('entry_points', [text], f'entry_points[0]: found "{text}"; expected an absolute path', at=None)
change('entry_points', '/bin', 'entry_points: found "/bin"; expected an array of strings')
change('env.default', ['A'], 'env.default[0]: found "A"; expected "NAME=value"', at=None)
change('env.default', ['A=1', 'A=2'], 'env.default[1]: found "A=2"; expected each name once', at=None)
change('env.untrusted', ['LD_PRELOAD'], 'put this one into env.default', at=None)
change('env.untrusted', [1], 'env.untrusted[0]: found 1; expected a string', at=None)
mounts({'target': '/x', 'type': 'sefs'}, 'expected "ext2": sefs is a layer of "/" only')
mounts({'target': '/x', 'type': 'ext2'}, 'mount[1].source: found nothing; expected a folder of the host')
mounts({'target': '/x', 'type': 'ext2', 'source': 'y', 'options': {'disk_size': '1MB'}}, 'mount[1].options.disk_size: found "1MB"; expected 16MB to 8TB')
mounts({'target': '/x', 'type': 'ext2', 'source': 'y', 'options': {'size': '1GB'}}, 'found an unknown key')
mounts({'target': '/x', 'type': 'ext2', 'source': 'y', 'options': {'freshness': 'tpm'}}, 'expected "none" or "host:FILE"')
mounts({'target': '/x', 'type': 'ext2', 'source': 'y', 'options': {'freshness': 'host:'}}, 'expected "none" or "host:FILE"')
mounts({'target': '/x', 'type': 'ramfs', 'options': {'freshness': 'none'}}, 'found an unknown key')
mounts({'target': '/x', 'type': 'nfs'}, 'mount[1].type: found "nfs"; expected unionfs, hostfs')
mounts({'target': '/x', 'type': 'hostfs'}, 'mount[1].source: found nothing')
mounts({'target': '/x', 'type': 'ramfs', 'source': 'y'}, 'expected no source for this type')
mounts({'target': '/x', 'type': 'ramfs', 'options': {'size': '1'}}, 'mount[1].options.size: found "1"')
mounts({'target': '/../x', 'type': 'ramfs'}, 'mount[1].target: found "/../x"')
mounts({'target': '/', 'type': 'unionfs'}, 'expected each target once')
mounts({'target': '/x', 'type': 'unionfs'}, 'expected "/" for unionfs')
mounts({'target': '/x', 'type': 'ramfs'}, 'mount: found no mount at "/"', root=False, at='value')
mounts({'target': '/' + 'x' * 256, 'type': 'ramfs'}, 'mount[1].target: found "/xxx')
change('mount', [{'target': '/', 'type': 'unionfs'}] + [{'target': f'/{i}', 'type': 'ramfs'} for i in range(30)], 'mount: found 31 mounts; expected at most 30')
mounts(7, 'mount[1]: found 7; expected an object')
mounts({'target': '/', 'type': 'unionfs', 'options': {'layers': [{'target': '/', 'type': 'sefs', 'source': './build/mount/__ROOT',
        'options': {'MAC': '00-11'}}]}}, 'MAC is not supported', root=False)
mounts({'target': '/', 'type': 'unionfs', 'options': {'layers': [{'target': '/', 'type': 'sefs', 'source': './build/mount/__ROOT',
        'options': {'cache_size': '1MB'}}]}}, 'the cache size of sefs is not supported', root=False)
# Duplicate keys.
raw('{"process": {}, "process": {}}', 'process: found a second value for this key', (1, 17))
change('process.default_heap_size', None, 'default_heap_size: found a second value for this key', at=None, literal='"4MB", "default_heap_size": "8MB"')
# The text itself.
raw('', 'syntax: found the end; expected a value', (1, 1))
raw(' \n\t\n', 'syntax: found the end; expected a value', (3, 1))
raw('[]', '(root): found an array; expected an object', (1, 1))
raw('{"a" 1}', "syntax: found '1'; expected ':' after the key", (1, 6))
raw('{\n  "a": 1\n  "b": 2}', "syntax: found '\"'; expected ',' or '}'", (3, 3))
raw('/* x', 'syntax: found a comment without an end', (1, 1))
raw(b'{"a\x00"}', 'syntax: found byte 0x00; expected text without NUL bytes', (1, 4))
raw(json.dumps(GOOD).encode() + b'\0', 'syntax: found byte 0x00; expected text without NUL bytes')
raw(b'{"a\xff"}', 'syntax: found byte 0xff; expected valid UTF-8', (1, 4))
raw(b'\xef\xbb{}', 'expected valid UTF-8', (1, 1))
raw(b'{"a\xed\xa0\x80"}', 'expected valid UTF-8', (1, 4))
raw('{"a\\u0000": 1}', 'expected no NUL character')
raw('{"a\\ud800": 1}', 'expected a complete surrogate pair')
raw('{"a": 01}', 'expected a number such as 32', (1, 8))
raw('{"a', "expected '\"' at the end of the string", (1, 4))
raw('[' * 100, 'syntax: ', (1, 65))
raw('{"a":' * 100000, 'expected at most 64 levels of nesting', (1, 321))
raw('{} x', 'expected the end of the file', (1, 4))
raw("{'a': 1}", 'expected a key in double quotes', (1, 2))
raw('{"a": tru}', 'expected a value', (1, 7))
