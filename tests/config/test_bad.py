# SPDX-License-Identifier: BSD-3-Clause
"""Bad inputs: each is refused in both arithmetics with its message."""
import copy, json, sys
from common import GOOD, batch

cases = []
def raw(text, message):
    cases.append((text if isinstance(text, bytes) else text.encode(), message))
def change(path, value, message):
    tree = copy.deepcopy(GOOD)
    *folders, name = path.split('.')
    node = tree
    for folder in folders:
        node = node.setdefault(folder, {})
    if value is None:
        del node[name]
    else:
        node[name] = value
    raw(json.dumps(tree), message)

for path in [f'{o}.{k}' for o in GOOD for k in GOOD[o]] + list(GOOD):
    change(path, None, f'{path}: found nothing; expected')
sizes = [f'{o}.{k}' for o in GOOD for k in GOOD[o] if 'size' in k]
for path in sizes:
    change(path, 32, f'{path}: found 32; expected a size such as')
    change(path, '1000B', f'{path}: found "1000B"; expected a multiple of 4KB')
    change(path, '0MB', f'{path}: found "0MB"; expected a size over 0')
user = 'resource_limits.user_space_size'
for text in ('10', '10 XB', '1.5MB', '-1MB', '1e9B', '16777216TB', '99999999999999999999B', '', 'MB', '10mb', '10  MB', '10MB '):
    change(user, text, f'{user}: found "{text}"; expected a size such as')
threads = 'resource_limits.max_num_of_threads'
for value, shown in ((0, '0'), (-1, '-1'), (1.5, '1.5'), (1e9, '1000000000.0'), (2**32, '4294967296'), ('10', '"10"'), (True, 'true'), ([], 'an array')):
    change(threads, value, f'{threads}: found {shown}; expected an integer from 1 to 4294967295')
raw(json.dumps(GOOD).replace('32}', '1e9}'), f'{threads}: found 1e9; expected an integer')
change('resource_limits.user_space_max_size', '4KB', f'{user}: found 314572800 bytes; expected at most')
change('resource_limits.max_num_of_threads', 2**32 - 1, 'found maxima beyond 2^46 bytes')
change('user_sapce', {}, 'user_sapce: found an unknown key')
change('proces', {}, 'proces: found an unknown key; expected "process"?')
change('resource_limits.user_space_sizes', '1MB', 'expected "user_space_size"?')
change('metadata.debugable', True, 'expected "debuggable"?')
change('metadata.family_id.hihg', '0', 'expected "high"?')
change('feature.io_uring', 4, 'feature.io_uring: found 4; expected 0: io_uring is not supported yet')
change('feature.amx', 3, 'feature.amx: found 3; expected an integer from 0 to 2')
change('feature.enable_edmm', 'Y', 'feature.enable_edmm: found "Y"; expected true or false')
change('feature', 1, 'feature: found 1; expected an object')
change('metadata.product_id', 65536, 'expected an integer from 0 to 65535')
for text in ('0xg', '', '0x', '0x11112222333344445'):
    change('metadata.ext_prod_id.low', text, f'metadata.ext_prod_id.low: found "{text}"; expected 1 to 16 hexadecimal')
for text in ('bin', '/bin/..', '/a//b', '/./a', '/bin/', ''):
    change('entry_points', [text], f'entry_points[0]: found "{text}"; expected an absolute path')
change('env.default', ['A'], 'env.default[0]: found "A"; expected "NAME=value"')
change('env.default', ['A=1', 'A=2'], 'env.default[1]: found "A=2"; expected each name once')
change('env.untrusted', ['LD_PRELOAD'], 'put this one into env.default')
change('env.untrusted', [1], 'env.untrusted[0]: found 1; expected a string')
def mounts(extra, message, root=True):
    change('mount', ([{'target': '/', 'type': 'unionfs'}] if root else []) + [extra], message)
for kind in ('sefs', 'ext2'):
    mounts({'target': '/x', 'type': kind}, 'expected another type: this one is not supported yet')
mounts({'target': '/x', 'type': 'nfs'}, 'mount[1].type: found "nfs"; expected unionfs, hostfs')
mounts({'target': '/x', 'type': 'hostfs'}, 'mount[1].source: found nothing')
mounts({'target': '/x', 'type': 'ramfs', 'source': 'y'}, 'expected no source for this type')
mounts({'target': '/x', 'type': 'ramfs', 'options': {'size': '1'}}, 'mount[1].options.size: found "1"')
mounts({'target': '/../x', 'type': 'ramfs'}, 'mount[1].target: found "/../x"')
mounts({'target': '/', 'type': 'unionfs'}, 'expected each target once')
mounts({'target': '/x', 'type': 'unionfs'}, 'expected "/" for unionfs')
mounts({'target': '/x', 'type': 'ramfs'}, 'mount: found no mount at "/"', root=False)
mounts({'target': '/', 'type': 'unionfs', 'options': {'layers': [{'target': '/', 'type': 'sefs', 'source': './build/mount/__ROOT',
        'options': {'MAC': '00-11'}}]}}, 'MAC is not supported', root=False)
raw('', '1:1: syntax: found the end; expected a value')
raw('[]', '(root): found an array; expected an object')
raw('{"a" 1}', "F:1:6: syntax: found '1'; expected ':' after the key")
raw('{\n  "a": 1\n  "b": 2}', "F:3:3: syntax: found '\"'; expected ',' or '}'")
raw('/* x', 'F:1:1: syntax: found a comment without an end')
raw(b'{"a\x00"}', 'F:1:4: syntax: found byte 0x00; expected text without NUL bytes')
raw(b'{"a\xff"}', 'F:1:4: syntax: found byte 0xff; expected valid UTF-8')
raw(b'{"a\xed\xa0\x80"}', 'expected valid UTF-8')
raw('{"a\\u0000": 1}', 'expected no NUL character')
raw('{"a\\ud800": 1}', 'expected a complete surrogate pair')
raw('{"a": 01}', 'expected a number such as 32')
raw('{"a', "expected '\"' at the end of the string")
raw('[' * 100, 'F:1:65: syntax: ')
raw('{"process": {}, "process": {}}', 'F:1:17: process: found a second value for this key')
raw(b' ' * (4 << 20) + b' ', 'expected at most 4 MiB')
raw('{} x', 'expected the end of the file')
assert len(cases) >= 60
good = batch(sys.argv[1], [json.dumps(GOOD).encode()])[0]
assert good[0] and good[1] and good[2] == [], good
failed = 0
for (text, message), (plain, edmm, messages) in zip(cases, batch(sys.argv[1], [c[0] for c in cases])):
    refused = plain is None or edmm is None
    if not refused or not any(message in m for m in messages):
        print('FAIL', text[:300], '\n  want', message, '\n  got ', messages, file=sys.stderr)
        failed += 1
three, = batch(sys.argv[1], [b'{"resource_limits": {"user_space_size": 1}, "x": 2}'])
assert len(three[2]) == 9, three[2]  # all errors of one run: 1 value, 1 key, 3 + 1 + 3 missing
print(f'{len(cases)} bad inputs, {failed} failures')
sys.exit(failed > 0)
