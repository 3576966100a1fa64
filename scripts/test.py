#!/usr/bin/env python3
"""Runs every test of the repository and counts them.

Each step runs even if one before it failed, so that one run shows all that is
wrong. Of tests that pass only the number is shown. The last line is
"N passed, N failed"; a step without tests of its own counts as one.

    scripts/test.py            all steps
    scripts/test.py go page    these steps
"""

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PACKAGES = ['./...', './sdk/...']
# Else each program with the race detector sleeps for a second before it ends, and tests start many.
RACE = os.environ.get('GORACE', 'atexit_sleep_ms=0')


class Count:
    """What came of a step: passed, failed and skipped tests."""

    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def __str__(self):
        text = f'{self.passed} passed, {self.failed} failed'
        return f'{text}, {self.skipped} skipped' if self.skipped else text


here = threading.local()


def say(text='', end='\n'):
    """Prints; of steps that run side by side, when the step is over."""
    if hasattr(here, 'said'):
        here.said.append(f'{text}{end}')
    else:
        print(text, end=end, flush=True)


def run(*command, folder='.', **env):
    """Runs a command that either works or does not."""
    for line in lines(*command, folder=folder, **env):
        if isinstance(line, int):
            return Count(passed=1) if line == 0 else Count(failed=1)
        say(line, end='')


def lines(*command, folder='.', **env):
    """Runs a command; yields its lines, and at last its exit status."""
    with subprocess.Popen(command, cwd=os.path.join(ROOT, folder), env={**os.environ, **env}, text=True,
                          errors='replace', stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        yield from process.stdout
    yield process.returncode


def go():
    """The Go tests of both modules, with the race detector; what vet knows the linter knows."""
    count = Count()
    output = {}     # of what runs: (package, test) -> lines; test is None for the package itself
    broken = set()  # packages with a failed test
    took = []       # seconds, package and test, of each test that is part of no other
    for line in lines('go', 'test', '-race', '-vet=off', '-json', '-timeout', '15m', *PACKAGES, GORACE=RACE):
        if isinstance(line, int):
            if line != 0 and count.failed == 0:
                count.failed = 1
            break
        try:
            event = json.loads(line)
        except ValueError:
            say(line, end='')
            continue
        action, package, test = event['Action'], event.get('Package', ''), event.get('Test')
        if action == 'build-output':
            say(event['Output'], end='')
        elif action == 'output':
            output.setdefault((package, test), []).append(event['Output'])
        elif test and action in ('pass', 'fail', 'skip'):
            text = ''.join(output.pop((package, test), []))
            count.passed += action == 'pass'
            count.failed += action == 'fail'
            count.skipped += action == 'skip'
            if '/' not in test:
                took.append((event['Elapsed'], package, test))
            if action == 'fail':
                broken.add(package)
                say(text, end='')
        elif action == 'pass':
            say(f"ok    {event['Elapsed']:7.1f} s  {package}")
        elif action == 'fail':
            # What is left is of tests that a crash cut off.
            for key in [key for key in output if key[0] == package]:
                say(''.join(output.pop(key)), end='')
            say(f"FAIL  {event['Elapsed']:7.1f} s  {package}")
            count.failed += package not in broken
    for seconds, package, test in sorted(took, reverse=True)[:10]:
        say(f'slow  {seconds:7.1f} s  {package} {test}')
    return count


def python():
    """The tests of the Python SDK."""
    count, text = Count(failed=1), []
    for line in lines(sys.executable, '-m', 'unittest', 'discover', '-s', 'tests', '-t', '.', folder='python'):
        if isinstance(line, int):
            if line != 0:
                say(''.join(text))
            continue
        text.append(line)
        if ran := re.match(r'Ran (\d+) tests?', line):
            total = int(ran[1])
            count = Count(passed=total)
        elif result := re.match(r'(OK|FAILED)(?: \((.*)\))?$', line):
            bad = {name: int(n) for name, n in re.findall(r'([a-z ]+)=(\d+)', result[2] or '')}
            count.failed = bad.get('failures', 0) + bad.get('errors', 0)
            count.skipped = bad.get('skipped', 0)
            count.passed = total - count.failed - count.skipped
    return count


def npm(script, passed=r'^(?:#|ℹ) pass (\d+)', failed=r'^(?:#|ℹ) fail (\d+)', folder='web', **env):
    """A script of the page or of an example that prints how many tests passed and failed."""
    count, text, status = Count(), [], 0
    for line in lines('npm', 'run', '--silent', script, folder=folder, NO_COLOR='1', **env):
        if isinstance(line, int):
            status = line
            continue
        text.append(line)
        if found := re.search(passed, line):
            count.passed = int(found[1])
        if found := re.search(failed, line):
            count.failed = int(found[1])
    if status != 0 or count.failed:
        say(''.join(text))
        count.failed = max(count.failed, 1)
    return count


STEPS = {
    'verify': ('generated code is fresh', lambda: run('scripts/verify.sh')),
    'lint': ('lint of the Go code', lambda: run('make', '--no-print-directory', 'lint', 'LINTFLAGS=-race')),
    'go': ('Go tests', go),
    'python': ('Python tests', python),
    'node': ('the example plugin in JavaScript', lambda: npm('test', folder='examples/node')),
    'page-lint': ('lint of the page', lambda: run('npm', 'run', '--silent', 'lint', folder='web')),
    'page-types': ('types of the page', lambda: run('npm', 'run', '--silent', 'typecheck', folder='web')),
    'page': ('unit tests of the page', lambda: npm('test', r'Tests .*?(\d+) passed', r'Tests .*?(\d+) failed')),
    'build': ('the program with the page in it', lambda: run('make', '--no-print-directory', 'build-race')),
    'page-size': ('size of the page', lambda: run('npm', 'run', '--silent', 'size', folder='web')),
    'browser': ('the page in a browser', lambda: npm('e2e', FAULTLINE_E2E_PROGRAM=os.path.join(ROOT, 'bin', 'faultline-race'), GORACE=f'{RACE} halt_on_error=1')),
}
# The embedded page has to be there before Go looks for it. All of Faultline is compiled
# once, with the race detector, though a release is built without. Steps of one line
# have use for one core each, and run side by side.
ORDER = [
    ['verify'], ['build'], ['lint'], ['go'],
    ['page-lint', 'page-types', 'page', 'python', 'node', 'page-size'],
    ['browser'],
]


def one(name):
    """Runs a step; returns its name, what came of it, and its seconds."""
    title, step = STEPS[name]
    say(f'\n== {name}: {title}')
    began = time.monotonic()
    count = step()
    say(f'-- {name}: {count}')
    return name, count, time.monotonic() - began


def aside(name):
    """Runs a step and keeps what it says for its end."""
    here.said = []
    result = one(name)
    print(''.join(here.said), end='', flush=True)
    return result


def main(names):
    for name in names:
        if name not in STEPS:
            sys.exit(f'{sys.argv[0]}: no step {name!r}; there are: {", ".join(STEPS)}')
    results = []
    for group in [[name] for name in names] or ORDER:
        if len(group) == 1:
            results.append(one(group[0]))
            continue
        with concurrent.futures.ThreadPoolExecutor(max(2, os.cpu_count() or 1)) as pool:
            results += pool.map(aside, group)

    print()
    for name, count, seconds in results:
        print(f'{"FAIL" if count.failed else "ok":4}  {seconds:7.1f} s  {name}: {count}')
    total = Count(sum(c.passed for _, c, _ in results), sum(c.failed for _, c, _ in results))
    print(f'\n{total}', flush=True)
    # For .ci/run, whose last line it is also if make has something to say.
    os.makedirs(os.path.join(ROOT, '.cache'), exist_ok=True)
    with open(os.path.join(ROOT, '.cache', 'test-summary'), 'w', encoding='ascii') as file:
        print(total, file=file)
    return 1 if total.failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
