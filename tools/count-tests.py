#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Counts the test points of a meson test run; prints `N passed, N failed` as the last line.

usage: count-tests.py MESON_LOGS_FOLDER MESON_STATUS

A point is one line of TAP, or one program that speaks no TAP; testlog.junit.xml has them. That file does not tell of a program that crashed,
hung or printed fewer points than it planned: testlog.json does, and each such program counts as one failure.
"""
import json
import os
import sys
import xml.etree.ElementTree

GOOD = {'OK', 'SKIP', 'EXPECTEDFAIL'}


def read_results(path):
    """How each test program as a whole ended, by its name."""
    with open(path, encoding='utf-8') as file:
        return {item['name']: item['result'] for item in map(json.loads, file)}


def program_of(suite, case):
    """The name in testlog.json of the program a test case belongs to: TAP programs are suites `PROJECT.NAME` of their own."""
    name = suite.get('name')
    return name.split('.', 1)[1] if '.' in name else case.get('name')


def count(folder):
    passed, failed, skipped = 0, [], 0
    results = read_results(os.path.join(folder, 'testlog.json'))
    told = set()
    for suite in xml.etree.ElementTree.parse(os.path.join(folder, 'testlog.junit.xml')).getroot().iter('testsuite'):
        for case in suite.iter('testcase'):
            program = program_of(suite, case)
            own = '.' not in suite.get('name')
            if case.find('failure') is not None or case.find('error') is not None:
                failed.append(program if own else f'{program}: {case.get("name")}')
                told.add(program)
            elif case.find('skipped') is not None:
                skipped += 1
            elif own and results.get(program, 'OK') not in GOOD:
                pass  # told below
            else:
                passed += 1
    failed += [f'{name}: {result}' for name, result in results.items() if result not in GOOD and name not in told]
    return passed, failed, skipped


def main():
    try:
        passed, failed, skipped = count(sys.argv[1])
    except (OSError, ValueError, xml.etree.ElementTree.ParseError) as error:
        passed, failed, skipped = 0, [f'no test log: {error}'], 0
    if int(sys.argv[2]) != 0 and not failed:
        failed.append(f'meson test ended with status {sys.argv[2]}')
    if passed == 0 and not failed:
        failed.append('no test ran')
    for name in failed:
        print('failed:', name)
    if skipped:
        print(skipped, 'skipped')
    print(f'{passed} passed, {len(failed)} failed', flush=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
