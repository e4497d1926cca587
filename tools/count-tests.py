#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Counts the test points of a meson testlog.junit.xml; prints `N passed, N failed` as the last line.

usage: count-tests.py JUNIT_XML MESON_STATUS

A point is one line of TAP, or one program that speaks no TAP. A program that ended badly without a failed point of its
own (crash, time-out, fewer points than planned) counts as one failure.
"""
import sys
import xml.etree.ElementTree


def count_suite(suite):
    passed, failed, skipped = 0, [], 0
    name = suite.get('name')
    for case in suite.iter('testcase'):
        if case.find('failure') is not None or case.find('error') is not None:
            failed.append(f'{name}: {case.get("name")}')
        elif case.find('skipped') is not None:
            skipped += 1
        else:
            passed += 1
    broken = int(suite.get('errors') or 0) + int(suite.get('failures') or 0)
    if broken and not failed:
        failed.append(f'{name}: the test program itself ended badly')
    return passed, failed, skipped


def main():
    path, meson_status = sys.argv[1], int(sys.argv[2])
    passed, failed, skipped = 0, [], 0
    try:
        root = xml.etree.ElementTree.parse(path).getroot()
        for suite in root.iter('testsuite'):
            suite_passed, suite_failed, suite_skipped = count_suite(suite)
            passed += suite_passed
            failed += suite_failed
            skipped += suite_skipped
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        failed.append(f'no test log: {error}')
    if meson_status and not failed:
        failed.append(f'meson test ended with status {meson_status}')
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
