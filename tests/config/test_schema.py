# SPDX-License-Identifier: BSD-3-Clause
"""docs/Occlum.schema.json has the keys, required keys, types and ranges of the parser's table."""
import json, os, subprocess, sys

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
