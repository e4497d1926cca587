# SPDX-License-Identifier: BSD-3-Clause
"""The worked values of edmm.md section 2, and occlum config on them: table, --json, --xml."""
import json, os, subprocess, sys, re
from common import batch

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
template = os.path.join(root, 'src/config/template.json')
occlum, guide = (os.path.join(root, 'tests/fuzz/corpus_json', name + '.json') for name in ('occlum', 'guide'))
keys = ('HeapInitSize', 'HeapMaxSize', 'TCSNum', 'TCSMinPool', 'TCSMaxNum', 'ReservedMemInitSize', 'UserRegionSize')
expected = {
    occlum: ((33554432, 33554432, 32, 32, 32, 314572800, 0), (33554432, 1073741824, 16, 16, 4096, 314572800, 18253611008)),
    template: ((33554432, 33554432, 32, 32, 32, 314572800, 0), (4194304, 1073741824, 2, 2, 4096, 1048576, 18253611008)),
    guide: ((41943040, 41943040, 64, 64, 64, 629145600, 0), (4194304, 1073741824, 2, 2, 4096, 1048576, 18253611008)),
}
order = ('ProdID ISVSVN StackMaxSize StackMinSize HeapInitSize HeapMaxSize HeapMinSize TCSNum TCSMaxNum TCSMinPool TCSPolicy DisableDebug '
         'MiscSelect MiscMask ReservedMemMaxSize ReservedMemMinSize ReservedMemInitSize ReservedMemExecutable UserRegionSize EnableKSS '
         'ISVEXTPRODID_H ISVEXTPRODID_L ISVFAMILYID_H ISVFAMILYID_L PKRU AMX').split()

def config(*args, **env):
    clean = {k: v for k, v in os.environ.items() if k not in ('SGX_MODE', 'ENABLE_EDMM')}
    return subprocess.run([sys.argv[2], 'config', *args], env=clean | env, capture_output=True, text=True)

for path, rows in expected.items():
    answer, = batch(sys.argv[1], [open(path, 'rb').read()])
    shown = json.loads(config('--json', '--file', path).stdout)
    for edmm in (0, 1):
        assert tuple(answer[edmm][k] for k in keys) == rows[edmm], (path, answer[edmm])
        assert tuple(shown[('non_edmm', 'edmm')[edmm]][k] for k in keys) == rows[edmm]
        xml = config('--xml', '--edmm', 'NY'[edmm], '--file', path).stdout.splitlines()
        assert xml[0] == '<EnclaveConfiguration>' and xml[-1] == '</EnclaveConfiguration>'
        elements = [re.fullmatch(r'  <(\w+)>(\w+)</\1>', line).groups() for line in xml[1:-1]]
        assert [e[0] for e in elements] == [n for n in order if edmm or n != 'UserRegionSize'], elements
        assert all(int(v, 0) == answer[edmm][n] for n, v in elements)
    table = config('--file', path)
    assert table.returncode == 0 and str(rows[1][6]) in table.stdout, table

plain = config('--xml', '--file', template).stdout
edmm = config('--xml', '--file', template, ENABLE_EDMM='Y').stdout
assert 'UserRegionSize' in edmm and 'UserRegionSize' not in plain
sim = config('--xml', '--file', template, ENABLE_EDMM='Y', SGX_MODE='SIM')
assert sim.stdout == plain and 'EDMM is ignored: SGX_MODE=SIM takes precedence' in sim.stderr
for env in ({'SGX_MODE': 'HYPER'}, {'ENABLE_EDMM': 'perhaps'}):
    bad = config('--xml', '--file', template, **env)
    assert bad.returncode == 1 and bad.stdout == '' and 'expected' in bad.stderr, bad
for path in (os.path.dirname(template), template + '.absent'):
    bad = config('--file', path)
    assert bad.returncode == 1 and 'expected a regular file' in bad.stderr
print('worked values hold')

rows = memory = 0
name = None
for line in open(os.path.join(root, 'docs/edmm-guide.md')):
    cells = [c.strip() for c in line.strip().strip('|').split('|')]
    if cells[0] in ('template', 'guide', 'occlum'):
        name = {'template': template, 'guide': guide, 'occlum': occlum}[cells[0]]
        values = json.loads(config('--json', '--file', name).stdout)
    elif cells[0] in order:
        assert [int(c) for c in cells[1:]] == [values[b][cells[0]] for b in ('non_edmm', 'edmm')], line
        rows += 1
    elif cells[0].startswith('ELRANGE'):
        first = json.loads(config('--json', '--file', template).stdout)
        shown = [first['elrange_sim']] if 'SIM' in cells[0] else [first[b]['elrange'] for b in ('non_edmm', 'edmm')]
        assert [int(c) << 20 for c in cells[1:] if c != '-'] == shown, line
        memory += 1
assert rows == 15 and memory == 2
print('the numbers of docs/edmm-guide.md hold')
