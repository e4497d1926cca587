#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""options.py SGX2EMU ENCLAVE DRIVER: what --stats, --profile, --trace and --check say, each against what the program did. TAP."""
import json
import os
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import limits  # noqa: E402

emulator, enclave, driver = sys.argv[1:4]
work = tempfile.TemporaryDirectory()
number, failed = 0, False


def check(ok, name, *why):
    global number, failed
    number += 1
    failed |= not ok
    print(f'{"" if ok else "not "}ok {number} - {name}')
    for line in why if not ok else ():
        print('#', str(line).replace('\n', '\n# '))


def path(name, text=None):
    full = os.path.join(work.name, name)
    if text is not None:
        with open(full, 'w') as f:
            f.write(text)
    return full


def run(*args, **environment):
    return subprocess.run([emulator, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60 * limits.scale() * limits.LARGEST_LOAD,
                          env={**os.environ, **environment})


def stats(*options, program=(enclave,), **environment):
    file = path('stats.json')
    result = run(*options, f'--stats={file}', *program, **environment)
    with open(file) as f:
        return result, json.load(f)


FORMAT = {'leaves': {'ECREATE', 'EADD', 'EEXTEND', 'EINIT', 'EREMOVE', 'EAUG', 'EMODPR', 'EMODT', 'EBLOCK', 'ETRACK', 'EPA', 'EWB',
                     'ELDB', 'ELDU', 'EDBGRD', 'EDBGWR', 'EENTER', 'ERESUME', 'EEXIT', 'EACCEPT', 'EACCEPTCOPY', 'EMODPE', 'EREPORT',
                     'EGETKEY', 'EVERIFYREPORT2', 'EDECCSSA'},
          'aex': {'pf', 'exception', 'interrupt'}, 'epc': {'pages', 'peak_pages', 'evictions'},
          'segment_bases': {'by', 'replaced', 'executed'}, 'modelled': {'profile', 'cycles', 'seconds'}, 'wall_seconds': None}

result, plain = stats('--pin', '--epc', '32M')
check(result.returncode == 0 and all(key in plain and (keys is None or set(plain[key]) == keys) for key, keys in FORMAT.items()),
      '--stats has the documented keys', result.stderr, plain)
leaves = plain['leaves']
check(leaves['ECREATE'] == 1 and leaves['EINIT'] == 1 and leaves['EADD'] == 4 and leaves['EENTER'] == leaves['EEXIT'] > 4000,
      'counts are those of the program', leaves)
check(plain['epc']['pages'] == 32 << 8 and leaves['EAUG'] <= plain['epc']['peak_pages'] <= 32 << 8, 'EPC pages', plain['epc'])
check(leaves['ERESUME'] == sum(plain['aex'].values()), 'every asynchronous exit was resumed', plain['aex'], leaves)

result, single = stats('--pin', '--no-batch', '--epc', '32M')


def without_ticks(s):
    """Timer signals come as they like: each is an interrupt and an ERESUME."""
    return dict(s['leaves'], ERESUME=s['leaves']['ERESUME'] - s['aex']['interrupt']), s['aex']['pf'], s['page_faults'], s['epc']


check(result.returncode == 0 and without_ticks(single) == without_ticks(plain), 'one stop for many leaves or one for each: the counts are the same',
      plain, single)
# Without FSGSBASE: the two instructions of the enclave, each executed once; everything else as with it.
result, bases = stats('--pin', '--epc', '32M', OCCLUM_NO_FSGSBASE='1')
check(result.returncode == 0 and bases['segment_bases'] == {'by': 'emulator', 'replaced': 2, 'executed': 2},
      'OCCLUM_NO_FSGSBASE=1: the instructions are replaced and executed by the emulator', bases['segment_bases'], result.stderr)
check(without_ticks(bases) == without_ticks(plain), 'and the counts are the same', bases, plain)
check('executed by: the emulator' in run('--check', OCCLUM_NO_FSGSBASE='1').stdout, '--check says so')
aux = run('/bin/sh', '-c', 'LD_SHOW_AUXV=1 /bin/true', OCCLUM_NO_FSGSBASE='1').stdout
hwcap2 = [int(line.split()[1], 16) for line in aux.splitlines() if line.startswith('AT_HWCAP2')]
check(hwcap2 and hwcap2[0] & 2 == 0, 'programs are told that there is no FSGSBASE', aux)

result, one = stats('--pin', program=(driver, 'lives', '1'))
check(result.returncode == 0 and one['leaves']['ECREATE'] == 1, 'one enclave', one)
result, many = stats('--pin', program=(driver, 'lives', '12'))
check(result.returncode == 0 and many['leaves']['ECREATE'] == 12 and many['epc'] == one['epc'],
      'twelve enclaves, one after the other: their EPC pages come back at once', one, many)

for epc in ('4M', '2M'):
    result, shared = stats('--epc', epc, program=(driver, 'pair', '600'))
    check(result.returncode == 0 and shared['epc']['evictions'] > 100, f'two processes evict each other from {epc}', result.returncode, shared)

# The hostile driver: where it acts and that it acts.
for event, moment in (('EENTER', 7), ('EACCEPT', 3), ('fault', 2), ('EAUG', 2), ('EEXIT', 1)):
    script = path('script', f'at {event} {moment} augment 0x3fff0000 # a page nobody else touches\n')
    result, hostile = stats('--pin', '--script', script)
    check(result.returncode == 0 and hostile.get('script_actions') == 1 and hostile['leaves']['EAUG'] == leaves['EAUG'] + 1,
          f'a script acts at {event}', result.stdout, hostile)
result, hostile = stats('--pin', '--script', path('script', 'at ioctl 2 augment any\n'), program=(driver,))
check(result.returncode == 0 and hostile.get('script_actions') == 1, 'a script acts at an ioctl', result.stdout, hostile)
result = run('--pin', '--trace', '--script', path('script', 'at EENTER 2 augment 0x3fff0000\n'), enclave)
check('script: augment of page 0x3fff0000 at EENTER 2' in result.stderr, '--trace tells what the script did')
script = path('script', 'at EENTER 15 remove 0x13000\n')  # its data
result = run('--pin', '--script', script, enclave)
check(result.returncode == -signal.SIGSEGV and '1..' not in result.stdout, 'a page in use that was removed: a fault', result.returncode, result.stdout)
for bad in ('at EENTER', 'at NOTHING 1 remove any', 'at EENTER 1 destroy any', 'at EENTER 1 remove 5-', 'random EENTER 0 5 remove any', 'maybe'):
    result = run('--script', path('bad', f'seed 1\n{bad}\n'), 'true')
    check(result.returncode == 125 and 'bad:2: not understood' in result.stderr, f'a script with "{bad}" is refused', result.stderr)

SILENT = '\n'.join(f'{name} 0' for name in [*FORMAT['leaves'], 'AEX', 'IPI', 'FAULT'])
result, model = stats('--pin', '--profile', path('one', f'base client-skl # comment\n{SILENT}\n\nEACCEPT 3\nhertz 1000\n'))
expected = 3 * model['leaves']['EACCEPT']
check(model['modelled'] == {'profile': 'one', 'cycles': expected, 'seconds': expected / 1000}, 'a profile file is what is charged', model)
result, model = stats('--pin', '--profile', 'client-skl')
other = model['modelled']['cycles']
check(model['modelled']['profile'] == 'client-skl' and other > leaves['EENTER'] * 13100 and
      abs(model['modelled']['seconds'] - other / 3.4e9) < 1e-5, 'the built-in profile', model['modelled'])
for bad in ('EACCEPT', 'EACCEPT x', 'EACCEPT 1 2', 'EACCEPT -1', 'NOLEAF 1', 'hertz 0', 'base nothing'):
    result = run('--profile', path('bad', f'\n{bad}\n'), 'true')
    check(result.returncode == 125 and 'bad:2: not understood' in result.stderr, f'a profile with "{bad}" is refused', result.stderr)
result = run('--profile', path('absent'), 'true')
check(result.returncode == 125 and 'nor a file' in result.stderr, 'a profile that is not there', result.stderr)

for words, says in ((('--nope', 'true'), '--nope: there is no such option'), (('--epc',), '--epc: a value is missing'),
                    (('--epc', '1x', 'true'), '--epc 1x: not a size'), (('--epc', '-5M', 'true'), '--epc -5M: not a size'),
                    (('--epc', '4K', 'true'), '1M or more'), (('--driver=7', 'true'), '5.11 and 6.0'), ((), 'program to run is missing')):
    result = run(*words)
    check(result.returncode == 125 and says in result.stderr and result.stderr.count('\n') == 1, f'{" ".join(words)!r} is refused in a line',
          result.stderr)

result = run('--pin', '--trace', enclave)
lines = [line for line in result.stderr.splitlines() if line.startswith('sgx2emu: ')]
check(sum('EACCEPT(' in line for line in lines) == leaves['EACCEPT'] and sum('EENTER(' in line for line in lines) == leaves['EENTER'],
      '--trace has a line for each leaf', len(lines))
check(sum('AEX(' in line for line in lines) >= 5 and sum('ioctl' in line for line in lines) >= 6, '--trace has exits and ioctls')

for options, words in ((('--check',), ('SGX2 (EDMM): yes', 'EPC: 128 MB', 'with the SGX2 ioctls')),
                       (('--check', '--sgx1', '--epc', '8G'), ('SGX2 (EDMM): no', 'EPC: 8192 MB')),
                       (('--driver=5.11', '--check'), ('without the SGX2 ioctls',))):
    result = run(*options)
    emulated = result.stdout.partition('The emulated machine:')[2]
    check(result.returncode == 0 and 'This machine:' in result.stdout and all(word in emulated for word in words),
          ' '.join(options), result.stdout, result.stderr)
real = subprocess.run(['grep', '-cw', 'sgx', '/proc/cpuinfo'], capture_output=True, text=True).stdout.strip() != '0'
check(f'SGX (CPUID.7.EBX[2]): {"yes" if real else "no"}' in run('--check').stdout, '--check tells what the kernel tells of this machine')
print(f'1..{number}')
sys.exit(failed)
