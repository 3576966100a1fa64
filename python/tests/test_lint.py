"""What a check finds in the source: only what is doubtful, and without falling over whatever stands there."""

import glob
import os
import random
import sysconfig
import textwrap

from faultline_sdk import lint, loader, rules
from faultline_sdk.errors import PluginError
from tests.host import PYTHON, REPOSITORY
from tests.test_declarations import HEAD, DeclarationCase

ROOT = '''\
class Root(resources.ScannableResource):
    class Meta:
        identifier = identifiers.GlobalId('address')
    address = attributes.Hostname()
class Drive(resources.PhysicalDisk):
    class Meta:
        identifier = identifiers.GlobalId('serial')
    serial = attributes.String()
    size = statistics.Gauge()
'''


class Lint(DeclarationCase):
    def warnings(self, body):
        """Return [(rule, where)] of the warnings about a plugin that is fine."""
        loaded = loader.load(self.file(HEAD + ROOT + textwrap.dedent(body)), check=True)
        return [(w.rule, w.where) for w in loaded.warnings]

    def test_nothing_is_said_of_what_is_fine(self):
        for body in (
                '',  # a skeleton
                'class P2(ThePlugin):\n    def update_scan(self, root): self.update_or_create(Drive, serial="A")\n',
                'def report(p, kind): p.update_or_create(kind)\nKINDS = {"d": Drive}\n',
                'def report(p, name): p.update_or_create(globals()[name])\n',
                'class Small(Drive):\n    class Meta:\n        identifier = identifiers.GlobalId("serial")\n'
                'def report(p): p.update_or_create(Small, serial="A")\n',
                'def report(p, values): p.update_or_create(Drive, **values)\n',
                'if __name__ == "__main__":\n    print("run me with faultline")\n',
                'def print(*args): pass\nprint("to nowhere")\n',
                'def rescan(self): pass\n'):
            with self.subTest(body):
                self.assertEqual(self.warnings(body), [])

    def test_unused_class(self):
        self.assertEqual(self.warnings('''\
            class Fan(resources.Fan):
                class Meta:
                    identifier = identifiers.ScopedId('number')
                number = attributes.Integer()
                neighbour = attributes.ResourceReference(optional=True)
                def get_label(self):
                    return Fan.__name__
            def report(p): p.update_or_create(Drive, serial="A")
            '''), [(rules.CLASS_UNUSED, 'Fan')])

    def test_calls(self):
        self.assertEqual(self.warnings('''\
            def report(p):
                p.update_or_create(Drive, serail="A", size=3, parents=[], _mine=1)
            class Other:
                def f(self, p):
                    return p.update_or_create(Drive)
            '''), [(rules.REPORT_UNKNOWN, 'report'), (rules.REPORT_INCOMPLETE, 'report'), (rules.REPORT_INCOMPLETE, 'Other.f')])

    def test_warnings_come_with_errors(self):
        path = self.file(HEAD + ROOT + 'print("x")\nclass Bad(resources.Fan): n = attributes.Integer()\n')
        with self.assertRaises(PluginError) as caught:
            loader.load(path, check=True)
        self.assertEqual([p.rule for p in caught.exception.problems],
                         [rules.IDENTIFIER_MISSING, rules.PRINT])
        self.assertEqual([c['name'] for c in caught.exception.draft['classes']], ['Root', 'Drive', 'Bad'])
        self.assertEqual(caught.exception.places['Drive.serial'], {'file': path, 'line': HEAD.count('\n') + 8})

    def test_without_a_check_nothing_is_looked_for(self):
        loaded = loader.load(self.file(HEAD + ROOT + 'print("x")\n'))
        self.assertIsNone(loaded.warnings)
        self.assertIsNone(loaded.places)


class Robustness(DeclarationCase):
    def test_any_source_can_be_walked(self):
        library = sorted(glob.glob(os.path.join(sysconfig.get_path('stdlib'), '*.py')))[:60]
        paths = library + glob.glob(os.path.join(PYTHON, '*', '*.py'))
        paths += glob.glob(os.path.join(REPOSITORY, 'examples', '*', '*.py'))
        self.assertGreater(len(paths), 60)
        for path in paths:
            with open(path, encoding='utf-8') as f:
                source = lint.Source(path, {}, f.read())
            for problem in lint.warnings([source], [], []):
                self.assertTrue(problem.text and problem.fix and problem.line and problem.warning)
            lint.chart_lines([source])

    def test_mutilated_plugins_are_told_about(self):
        """A plugin with lines lost, doubled and moved, and words exchanged, is loaded or refused with reasons."""
        with open(os.path.join(REPOSITORY, 'examples', 'example_plugin.py'), encoding='utf-8') as f:
            original = (f.read() + ROOT).split('\n')
        words = ['None', '5', "'serial'", '[]', '()', 'attributes.String', 'attributes', 'Drive', 'resources.Fan', 'lambda: 1',
                 "('linux', 'ScsiDevice')", '-1', '1.5', "b'x'", '{}', 'True', 'print', 'version']
        for seed in range(120):
            rng, lines = random.Random(seed), list(original)
            for _ in range(rng.randint(1, 4)):
                i = rng.randrange(len(lines))
                act = rng.randrange(4)
                if act == 0:
                    del lines[i]
                elif act == 1:
                    lines.insert(rng.randrange(len(lines)), lines[i])
                elif act == 2:
                    lines[i] = lines[i][:rng.randint(0, len(lines[i]))]
                else:
                    parts = lines[i].split(' ')
                    parts[rng.randrange(len(parts))] = rng.choice(words)
                    lines[i] = ' '.join(parts)
            path = self.file('\n'.join(lines))
            with self.subTest(seed=seed, lines='\n'.join(lines)):
                try:
                    problems = loader.load(path, check=True).warnings
                except PluginError as e:
                    problems = e.problems
                    self.assertTrue([p for p in problems if not p.warning])
                    self.assertLess(sum(p.text.startswith('SyntaxError') for p in problems), 2)
                for problem in problems:
                    self.assertRegex(problem.rule, r'^FL\d{3}$')
                    self.assertTrue(problem.text)
                    self.assertEqual(problem.file, path)
                    self.assertGreater(problem.line, 0)
