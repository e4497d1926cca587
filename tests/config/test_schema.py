# SPDX-License-Identifier: BSD-3-Clause
"""docs/Occlum.schema.json has the keys, required keys, types and ranges of the parser's table; and on thousands of files, good,
bad and randomly broken, its verdict is the parser's, but for rules that a schema cannot say."""
import json, os, random, re, subprocess, sys

from bad_cases import CASES
from common import batch
import test_random

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
document = json.load(open(os.path.join(root, 'docs/Occlum.schema.json')))
seen = {}
def walk(node, prefix):
    for name, child in node['properties'].items():
        kind = child.get('$ref', child.get('type')).replace('#/$defs/', '')
        seen[prefix + name] = (kind, name in node.get('required', []), child.get('minimum', 0), child.get('maximum', 0))
        if kind == 'object':
            assert child['additionalProperties'] is False
            walk(child, prefix + name + '.')
walk(document, '')
types = {'object': 'object', 'size': 'size', 'number': 'integer', 'bool': 'boolean', 'hex': 'hex', 'strings': 'array', 'mounts': 'array'}
table = {}
for line in subprocess.run([sys.argv[1], '--schema'], capture_output=True, text=True, check=True).stdout.splitlines():
    path, kind, required, low, high = line.split()
    table[path] = (types[kind], required == '1', int(low), int(high))
assert len(table) > 30 and table == seen, {k: (table.get(k), seen.get(k)) for k in table.keys() | seen.keys() if table.get(k) != seen.get(k)}
print(f'{len(table)} keys agree')

prose = open(os.path.join(root, 'docs/configuration.md')).read()
for path in table:
    leaf = path.rpartition('.')[2]
    assert f'`{path}`' in prose or (leaf in ('high', 'low') and f'`.{leaf}`' in prose) or table[path][0] == 'object', f'docs/configuration.md lacks {path}'

TYPES = {'object': dict, 'array': list, 'string': str, 'boolean': bool, 'integer': int}
KEYWORDS = {'type', 'properties', 'additionalProperties', 'required', 'pattern', 'minimum', 'maximum', 'items', '$ref', 'enum', 'description', 'default',
            'title', '$schema', '$defs'}

def valid(value, node):
    """JSON Schema 2020-12, as far as the document goes."""
    assert not node.keys() - KEYWORDS, node
    if '$ref' in node and not valid(value, document['$defs'][node['$ref'].rpartition('/')[2]]):
        return False
    if 'type' in node and (not isinstance(value, TYPES[node['type']]) or (isinstance(value, bool) and node['type'] != 'boolean')):
        return False
    if 'enum' in node and value not in node['enum']:
        return False
    if isinstance(value, dict):
        known = node.get('properties', {})
        return (all(name in value for name in node.get('required', [])) and (node.get('additionalProperties', True) or not value.keys() - known.keys())
                and all(valid(value[name], known[name]) for name in value.keys() & known.keys()))
    if isinstance(value, list):
        return all(valid(item, node.get('items', {})) for item in value)
    if isinstance(value, str):
        return re.search(node.get('pattern', ''), value) is not None
    return 'minimum' not in node or node['minimum'] <= value <= node['maximum']

# What the parser refuses and a schema cannot say.
BEYOND = re.compile(r'a multiple of 4KB|a size over 0|below 2\^64|at most|threads at start|2\^46|not supported|each (name|target) once|second value|'
                    r'env\.default|source|for unionfs|no mount at|mounts; expected|without \. and \.\.|\.options\.|at most 64 levels|a NUL')

def judge(name, texts):
    agreed = refused = beyond = 0
    for text, (plain, edmm, messages) in zip(texts, batch(sys.argv[1], texts)):
        good, accepted = valid(json.loads(text), document), plain is not None and edmm is not None
        errors = [m for m in messages if ': warning: ' not in m]
        assert accepted == (not errors)
        assert good or not accepted, (name, 'the schema refuses what the parser takes', text)
        if good and not accepted:
            assert all(BEYOND.search(m) for m in errors), (name, 'the schema takes what the parser refuses', text, errors)
            beyond += 1
        agreed, refused = agreed + (good == accepted), refused + (not accepted)
    print(f'{name}: {len(texts)} files, {agreed} verdicts alike ({refused} refused), {beyond} beyond a schema')
    return agreed, refused

def parsable(text):
    try:
        json.loads(text.decode('utf-8', 'strict'), parse_constant=lambda word: 1 / 0)
        return True
    except (ValueError, RecursionError):
        return False

rng = random.Random(3)
WRONG = [None, True, -1, 0, 1.5, 2**64, '', 'x', '4KB', '0x1', [], {}, ['x'], ['/x'], {'x': 1}]

def broken(text):
    """One random change somewhere in the tree."""
    tree = json.loads(text)
    node, path = tree, []
    while True:
        name = rng.choice(list(node))
        if isinstance(node[name], dict) and node[name] and rng.random() < .8:
            node = node[name]
            continue
        change = rng.random()
        if change < .3:
            del node[name]
        elif change < .5:
            node[name + rng.choice('x_')] = node.pop(name)
        else:
            node[name] = rng.choice(WRONG)
        return json.dumps(tree).encode()

commented = open(os.path.join(root, 'src/config/template.json')).read()
template = re.sub(r'^\s*//.*$', '', commented, flags=re.M).encode()
assert judge('template', [template]) == (1, 0)
good = [test_random.render(test_random.random_case()) for _ in range(2000)]
assert judge('random', good)[0] > 500
assert judge('bad cases', [case.text for case in CASES if parsable(case.text)])[0] > 80
agreed, refused = judge('broken', [broken(rng.choice(good + [template] * 2000)) for _ in range(5000)])
assert agreed > 2500 and refused > 2500
