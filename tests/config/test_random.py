# SPDX-License-Identifier: BSD-3-Clause
"""12,000 random configurations against an independent model of edmm.md section 2: equal values, equal refusals."""
import json, random, sys
from common import batch

K, M, G = 1 << 10, 1 << 20, 1 << 30
rng = random.Random(20261123)

def size():
    unit = rng.choice([(4 * K, 4096), (M, 2048), (G, 40)])
    return unit[0] * rng.randint(1, unit[1])

def text(n):
    for unit, name in ((G, 'GB'), (M, 'MB'), (K, 'KB')):
        if n % unit == 0 and rng.random() < 0.8:
            return f'{n // unit}{rng.choice(["", " "])}{name}'
    return f'{n}B'

def maybe(f, p=0.5):
    return f() if rng.random() < p else None

def model(c, edmm):
    H, Hm, S, U, Um, Ti, T = (c[k] for k in ('H', 'Hm', 'S', 'U', 'Um', 'Ti', 'T'))
    hm, um = (H if Hm is None else Hm), (U if Um is None else Um)
    if edmm:
        heap = (H, hm if c['enforce'] else max(hm, 1024 * M))
        ux = um if c['enforce'] else max(um, 16 * G)
        tcs = (min(16, T if Ti is None else Ti), T if c['enforce'] else max(T, 4096))
        reserved, region, misc = U, (ux if ux == U else ux + G), (1, 0xffffffff)
    else:
        heap, ux, tcs, reserved, region, misc = (hm, hm), um, (T, T), um, 0, (0, 0)
    if T > 65536:
        return None
    slot = S + (1 + 8 + 1 + 1 + 1) * 4096
    span = 65536 + max(reserved, region) + (2 + 2) * M + tcs[1] * slot + heap[1]  # a guard and an alignment of 2 MB
    if U > ux or heap[0] > heap[1] or tcs[0] > tcs[1] or span > 1 << 46:
        return None
    ids = c['ids'] if c['kss'] else [0] * 4
    return dict(ProdID=c['prod'], ISVSVN=c['svn'], StackMaxSize=S, StackMinSize=S, HeapInitSize=heap[0], HeapMaxSize=heap[1],
                HeapMinSize=heap[0], TCSNum=tcs[0], TCSMaxNum=tcs[1], TCSMinPool=tcs[0], TCSPolicy=0, DisableDebug=int(not c['debug']),
                MiscSelect=misc[0], MiscMask=misc[1], ReservedMemMaxSize=reserved, ReservedMemMinSize=reserved,
                ReservedMemInitSize=reserved, ReservedMemExecutable=1, UserRegionSize=region, EnableKSS=int(c['kss']),
                ISVEXTPRODID_H=ids[0], ISVEXTPRODID_L=ids[1], ISVFAMILYID_H=ids[2], ISVFAMILYID_L=ids[3], PKRU=c['pkru'], AMX=c['amx'])

def render(c):
    limits = {'kernel_space_heap_size': text(c['H']), 'kernel_space_stack_size': text(c['S']), 'user_space_size': text(c['U']),
              'max_num_of_threads': c['T']}
    for key, name in (('Hm', 'kernel_space_heap_max_size'), ('Um', 'user_space_max_size')):
        if c[key] is not None:
            limits[name] = text(c[key])
    if c['Ti'] is not None:
        limits['init_num_of_threads'] = c['Ti']
    hexes = [hex(i) for i in c['ids']]
    return json.dumps({
        'resource_limits': limits,
        'process': {'default_stack_size': '4MB', 'default_heap_size': '8MB', 'default_mmap_size': '1MB'},
        'metadata': {'product_id': c['prod'], 'version_number': c['svn'], 'debuggable': c['debug'], 'enable_kss': c['kss'],
                     'ext_prod_id': {'high': hexes[0], 'low': hexes[1]}, 'family_id': {'high': hexes[2], 'low': hexes[3]}},
        'feature': {'amx': c['amx'], 'pkru': c['pkru'], 'enforce_max_limits': c['enforce'], 'enable_edmm': rng.random() < .5},
    }).encode()

def random_case():
    return dict(H=size(), Hm=maybe(size), S=4096 * rng.randint(1, 2048), U=size(), Um=maybe(size), Ti=maybe(lambda: rng.randint(1, 80)),
                T=rng.choice([rng.randint(1, 64), rng.randint(1, 9000), rng.randint(1, 2**17)]), enforce=rng.random() < .5,
                prod=rng.randint(0, 65535), svn=rng.randint(0, 65535), debug=rng.random() < .5, kss=rng.random() < .5,
                ids=[rng.getrandbits(64) for _ in range(4)], amx=rng.randint(0, 2), pkru=rng.randint(0, 2))

def main():
    cases = [random_case() for _ in range(12000)]
    refused = built = 0
    for case, answer in zip(cases, batch(sys.argv[1], [render(c) for c in cases])):
        for edmm in (False, True):
            want, got = model(case, edmm), answer[edmm]
            assert want == got, (case, edmm, want, got, answer[2])
            refused, built = refused + (want is None), built + (want is not None)
    assert refused > 1000 and built > 1000
    print(f'{len(cases)} configurations: {built} builds equal, {refused} refusals equal')

if __name__ == '__main__':
    main()
