"""Everything that validation must find, with the line it stands in (guide, "Validating")."""

import itertools
import os
import tempfile
import textwrap
import unittest

from faultline_sdk import loader, rules
from faultline_sdk.errors import PluginError
from tests.host import DATA, PYTHON, REPOSITORY

HEAD = '''\
from chroma_core.lib.storage_plugin.api import (
    alert_conditions, attributes, identifiers, plugin, relations, resources, statistics)
version = 1
class ThePlugin(plugin.Plugin):
    def initial_scan(self, root):
        pass
'''
HEAD_LINES = HEAD.count('\n')
numbers = itertools.count()


class DeclarationCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, source, name=None):
        """Write a plugin and return its path; every one has a module name of its own."""
        path = os.path.join(self.folder, name or 'declared_%d.py' % next(numbers))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(source)
        return path

    def load(self, body, head=HEAD):
        return loader.load(self.file(head + textwrap.dedent(body)))

    def problems(self, body, head=HEAD):
        """Return [(line in body, where, text)] of the problems of a plugin."""
        path = self.file(head + textwrap.dedent(body))
        with self.assertRaises(PluginError) as caught:
            loader.load(path)
        for problem in caught.exception.problems:
            self.assertEqual(problem.file, path)
            self.assertGreater(problem.line, 0)
        return [(p.line - head.count('\n'), p.where, '; '.join(filter(None, (p.text, p.fix))))
                for p in caught.exception.problems]

    def one(self, line, where, text, body, head=HEAD):
        """Assert that there is exactly one problem."""
        found = self.problems(body, head)
        self.assertEqual(len(found), 1, found)
        self.assertEqual(found[0][:2], (line, where), found)
        self.assertRegex(found[0][2], text)


class Modules(DeclarationCase):
    def test_version_is_missing(self):
        self.one(1, '', 'does not declare the version.*"version = 1"', HEAD.replace('version = 1\n', ''), head='')

    def test_version_is_another(self):
        for version in (0, 2):
            self.one(3, '', 'is for version %d of the API, but this is version 1' % version,
                     HEAD.replace('version = 1', 'version = %d' % version) + 'class Bad(resources.Resource): pass\n', head='')

    def test_version_is_no_integer(self):
        for version in ('"1"', '1.0', 'True', 'None'):
            self.one(3, '', 'must be an integer', HEAD.replace('version = 1', 'version = ' + version), head='')

    def test_no_plugin(self):
        self.one(1, '', 'defines no plugin', 'from chroma_core.lib.storage_plugin.api.plugin import Plugin\nversion = 1\n', '')

    def test_two_plugins(self):
        self.one(1, '', 'defines 2 plugins, ThePlugin, Second', '''\
            class Second(plugin.Plugin):
                def initial_scan(self, root): pass
            ''')

    def test_derived_plugin_is_one(self):
        loaded = self.load('class Second(ThePlugin): pass\n')
        self.assertEqual(loaded.plugin_class.__name__, 'Second')

    def test_plugin_without_hooks(self):
        self.one(3, 'P', 'must define initial_scan', '''\
            from chroma_core.lib.storage_plugin.api import plugin
            version = 1
            class P(plugin.Plugin):
                def update_scan(self, root): pass
            ''', '')

    def test_syntax_error(self):
        self.one(2, '', r'^SyntaxError: .*column \d+: x = = 1', '''\

            x = = 1
            ''')

    def test_python_2_syntax(self):
        for line, hint in (
                ('print "log message"', r'print\("text"\)'),
                ('raise ValueError, "x"', 'raise Error'),
                ('x = a <> b', '!='),
                ('x = `a`', r'repr\(x\)'),
                ('x = 10L', 'leave out the L'),
                ('os.chmod(p, 0644)', '0o644'),
                ('x = ur"text"', "r'text'"),
                ('exec "x = 1"', r'exec\(code\)'),
                ('def f(a, (b, c)): pass', 'unpack')):
            with self.subTest(line):
                self.one(1, '', '^SyntaxError: .*this is Python 2; .*' + hint, line + '\n')
        self.one(3, '', 'except Error as e', '''\
            try:
                pass
            except ValueError, e:
                pass
            ''')

    def test_wrong_indentation_is_not_python_2(self):
        self.one(2, '', '^SyntaxError: expected an indented block[^;]*$', 'class A:\ndef f(self): pass\n')

    def test_all_python_2_syntax_is_found(self):
        found = self.problems("""\
            def f(d):
                try:
                    print "text"  # the first
                except IOError, e:
                    raise ValueError, "x"
                if d <> 3:
                    return 0644
                x = 1 +* 2
                print "not looked for behind a line that is no Python 2"
            """)
        self.assertEqual([line for line, _, _ in found], [3, 4, 5, 6, 7])
        for _, _, text in found:
            self.assertRegex(text, '^SyntaxError: .*this is Python 2; ')

    def test_import_errors(self):
        self.one(1, '', "ModuleNotFoundError: No module named 'no_such_module'; install it for the interpreter .*python.* \\(Python 3\\.", 'import no_such_module\n')
        self.one(1, '', "'urllib2'; this is Python 2; import urllib.request", 'import urllib2\n')
        self.one(2, '', 'ZeroDivisionError', 'def f():\n    1 / 0\nf()\n')
        self.one(1, '', 'SystemExit', 'raise SystemExit(3)\n')
        self.one(1, '', 'the import failed', 'raise ValueError()\n')

    def test_relative_import_of_python_2(self):
        self.file('x = 1\n', 'old_style/parts.py')
        path = self.file('import parts\n', 'old_style/__init__.py')
        with self.assertRaises(PluginError) as caught:
            loader.load(os.path.dirname(path))
        found = caught.exception.problems
        self.assertEqual([p.rule for p in found], [rules.VERSION_MISSING, rules.PYTHON2])
        self.assertIn('from . import parts', found[1].fix)

    def test_python_2_names(self):
        found = self.problems('''\
            def f(d, u):
                for k, v in d.iteritems():
                    if isinstance(k, basestring) or d.has_key(k):
                        return unicode(v)
                print >>u, "x"
            ''')
        self.assertEqual([f[0] for f in found], [2, 3, 3, 4, 5])
        self.assertIn('write str', found[3][2])

    def test_python_2_names_at_import(self):
        found = self.problems('y = 1\nx = unicode("x")\nfor i in xrange(3): pass\n')
        self.assertEqual([f[0] for f in found], [2, 3])
        self.assertIn('this is Python 2; write str', found[0][2])

    def test_guarded_python_2_names_are_fine(self):
        self.load('''\
            import sys
            try:
                text = unicode
            except NameError:
                text = str
            if sys.version_info[0] == 2:
                text = unicode
            def long(x):
                return x
            long(5)
            class D:
                def iteritems(self, prefix): pass
            D().iteritems('x')
            ''')

    def test_missing_path(self):
        for path, text in (('nothing.py', 'no such file'), ('.', 'no __init__.py')):
            with self.assertRaises(PluginError) as caught:
                loader.load(os.path.join(self.folder, path))
            self.assertIn(text, caught.exception.problems[0].text)

    def test_name_of_a_library_module(self):
        import json
        path = self.file(HEAD, 'json.py')
        self.assertEqual(loader.load(path).name, 'json')
        import sys
        self.assertIs(sys.modules['json'], json)

    def test_name_that_is_no_identifier(self):
        self.assertEqual(loader.load(self.file(HEAD, 'my-plugin.py')).name, 'my-plugin')


class Classes(DeclarationCase):
    def test_all_problems_are_found(self):
        found = self.problems('''\
            class A(resources.Resource):
                x = attributes.String(max_length='5')
            class B(resources.Resource):
                class Meta:
                    identifier = identifiers.ScopedId('y')
            class C(resources.Resource):
                class Meta:
                    identifier = identifiers.AutoId()
                e = attributes.Enum()
            ''')
        self.assertEqual([f[:2] for f in found], [(1, 'A'), (2, 'A.x'), (5, 'B.y'), (8, 'C'), (9, 'C.e')])

    def test_imported_classes_are_not_the_plugins(self):
        loaded = self.load('''\
            from chroma_core.lib.storage_plugin.api.resources import Resource, Controller
            class Mine(Controller):
                class Meta:
                    identifier = identifiers.ScopedId('x')
                x = attributes.Integer()
            ''')
        self.assertEqual([c['name'] for c in loaded.manifest['classes']], ['Mine'])

    def member(self, declaration, where, text, line=4):
        self.one(line, where, text, '''\
            class A(resources.Resource):
                class Meta:
                    identifier = identifiers.ScopedId('x')
                %s
                x = attributes.Integer()
            ''' % declaration)

    def meta(self, declaration, where, text, line=4, more=''):
        self.one(line, where, text, '''\
            class A(resources.Resource):
                class Meta:
                    identifier = identifiers.ScopedId('x')
                    %s
                x = attributes.Integer()
                e = attributes.Enum('good', 'bad')
                s = attributes.String()
                g = statistics.Gauge(units='a')
                c = statistics.Counter(units='b')
                d = statistics.Counter(units='c')
                h = statistics.BytesHistogram(bins=[(0, 1), (2,)])
                ref = attributes.ResourceReference()
                %s
            ''' % (declaration, more))

    def test_attributes(self):
        self.member("y = attributes.String(user_read_only=True)", 'A.y', 'demands optional')
        self.member("y = attributes.String(max_length=True)", 'A.y', 'max_length')
        self.member("y = attributes.String(colour='red')", 'A.y', 'does not take the option colour')
        self.member("y = attributes.String(label=5)", 'A.y', 'label must be text')
        self.member("y = attributes.Integer('x')", 'A.y', 'min_val')
        self.member("y = attributes.Integer(5, 4)", 'A.y', 'above max_val')
        self.member("y = attributes.Enum()", 'A.y', 'possible values')
        self.member("y = attributes.Enum(['a', 'b'])", 'A.y', 'option must be')
        self.member("y = attributes.Enum(1, True)", 'A.y', 'given twice')
        self.member("y = attributes.Password()", 'A.y', r'Password\(encrypt_fn\)')
        self.member("y = attributes.Password('rot13')", 'A.y', r'Password\(encrypt_fn\)')
        self.member("get_label = attributes.String()", 'A.get_label', 'the SDK uses it')
        self.member("parents = attributes.String()", 'A.parents', 'the SDK uses it')
        self.member("_y = attributes.String()", 'A._y', 'underscore')
        self.member("y = attributes.Integer(default='x')", 'A.y', "default 'x' must be a whole number")
        self.member("y = attributes.Enum('a', default='b')", 'A.y', "default 'b' must be one of 'a'")
        self.member("y = attributes.ResourceReference(default=5)", 'A.y', 'must be a function')

    def test_statistics(self):
        self.member("y = statistics.Gauge(sample_period='x')", 'A.y', 'sample_period')
        self.member("y = statistics.Gauge(sample_period=0)", 'A.y', 'sample_period')
        self.member("y = statistics.Gauge(units=5)", 'A.y', 'units')
        self.member("y = statistics.Gauge(unit='x')", 'A.y', 'option unit')
        self.member("y = statistics.BytesHistogram()", 'A.y', 'needs bins')
        for bins in ('[]', '5', '[5]', '[(0, 1, 2)]', '[(5, 4)]', '[(0, 5), (5, 6)]', '[(0,), (1, 2)]', '[("a", "b")]'):
            self.member("y = statistics.BytesHistogram(bins=%s)" % bins, 'A.y', 'bin')

    def identifier(self, identifier, where, text, base='Resource', line=3):
        self.one(line, where, text, '''\
            class A(resources.%s):
                class Meta:
                    identifier = %s
                x = attributes.Integer()
                g = statistics.Gauge()
            ''' % (base, identifier))

    def test_identifiers(self):
        self.one(1, 'A', "needs an identifier.*ScopedId\\('x'\\)", 'class A(resources.Resource):\n    x = attributes.String()\n')
        self.identifier("identifiers.GlobalId('my_x')", 'A.my_x', "'my_x', which is no attribute.*x")
        self.identifier("identifiers.GlobalId('g')", 'A.g', 'statistic')
        self.identifier("identifiers.GlobalId()", 'A', 'names no attribute')
        self.identifier("identifiers.GlobalId(5)", 'A', 'by text')
        self.identifier("identifiers.AutoId()", 'A', 'ScannableResource only')
        self.identifier("'x'", 'A', 'must be identifiers', line=1)
        self.identifier("identifiers.ScopedId('x')", 'A', 'scope itself', base='ScannableResource')

    def test_identifiers_are_not_inherited(self):
        self.one(5, 'B', 'not inherited', '''\
            class A(resources.Resource):
                class Meta:
                    identifier = identifiers.ScopedId('x')
                x = attributes.Integer()
            class B(A):
                pass
            ''')

    def test_conditions(self):
        self.meta("alert_conditions = [alert_conditions.ValueCondition('nothing', warn_states=['x'])]", 'A.nothing',
                  'no attribute or statistic')
        self.meta("alert_conditions = [alert_conditions.UpperBoundCondition('s', error_bound=1)]", 'A.s', 'needs a number')
        self.meta("alert_conditions = [alert_conditions.LowerBoundCondition('h', error_bound=1)]", 'A.h', 'needs a number')
        self.meta("alert_conditions = [alert_conditions.LowerBoundCondition('x', error_bound='1')]", 'A.x', 'finite number')
        self.meta("alert_conditions = [alert_conditions.ValueCondition('ref', warn_states=['x'])]", 'A.ref', 'cannot watch')
        self.meta("alert_conditions = [alert_conditions.ValueCondition('e', warn_states=['ugly'])]", 'A.e', 'can never have')
        self.meta("alert_conditions = [alert_conditions.ValueCondition('s', warn_states='bad')]", 'A.s', 'must be a list')
        self.meta("alert_conditions = [alert_conditions.ValueCondition('s', bad_states=['x'])]", 'A.s', 'option bad_states')
        self.meta("alert_conditions = [alert_conditions.ValueCondition('s', message=5)]", 'A.s', 'message')
        bound = "alert_conditions = [alert_conditions.UpperBoundCondition('x', warn_bound=5, %s)]"
        self.meta(bound % 'warn_clear=6', 'A.x', 'warn_clear=6 is beyond warn_bound=5')
        self.meta(bound % 'error_clear=4', 'A.x', 'error_clear without error_bound')
        self.meta(bound % "warn_clear='4'", 'A.x', 'warn_clear must be a finite number')
        self.meta(bound % 'for_seconds=-1', 'A.x', 'for_seconds must be from 0 to 31622400')
        self.meta(bound % "for_seconds='5 s'", 'A.x', 'for_seconds must be a finite number')
        self.meta("alert_conditions = [alert_conditions.LowerBoundCondition('x', info_bound=5, info_clear=4)]", 'A.x', 'beyond')
        self.meta("alert_conditions = [alert_conditions.ValueCondition('s', warn_states=['x'], warn_clear=1)]", 'A.s',
                  'does not take the option warn_clear')
        self.meta("alert_conditions = [alert_conditions.ValueCondition('s', warn_states=['x'], for_seconds=32000000)]", 'A.s',
                  'from 0 to 31622400')
        self.meta("alert_conditions = ['x']", 'A', 'no alert condition', line=1)
        self.meta("alert_conditions = 'x'", 'A', 'must be a list', line=1)

    def test_clashing_conditions(self):
        two = '''alert_conditions = [
                        alert_conditions.ValueCondition('e', warn_states=['good']%s),
                        alert_conditions.ValueCondition('e', %s_states=['bad']%s)]'''
        self.meta(two % ('', 'warn', ''), 'A.e', "two alert conditions.*'warn'.*id=", line=6)
        self.meta(two % (", id='a'", 'warn', ", id='a'"), 'A.e', 'id of its own', line=6)
        for ids in (('', 'error', ''), (", id='a'", 'warn', ", id='b'"), ('', 'warn', ", id='b'")):
            self.load('''\
                class A(resources.Resource):
                    class Meta:
                        identifier = identifiers.ScopedId('e')
                        %s
                    e = attributes.Enum('good', 'bad')
                ''' % (two % ids))

    def test_clash_with_an_inherited_condition(self):
        self.one(9, 'B.e', 'id of its own', '''\
            class A(resources.Resource):
                class Meta:
                    identifier = identifiers.ScopedId('e')
                    alert_conditions = [alert_conditions.ValueCondition('e', warn_states=['a'])]
                e = attributes.String()
            class B(A):
                class Meta:
                    identifier = identifiers.ScopedId('e')
                    alert_conditions = [alert_conditions.ValueCondition('e', warn_states=['b'])]
            ''')

    def test_relations(self):
        self.meta("relations = [relations.Provide(provide_to=('linux', 'ScsiDevice'), attributes='serial')]", 'A.serial',
                  'no attribute of the class')
        self.meta("relations = [relations.Provide(provide_to='ScsiDevice', attributes='s')]", 'A', 'pair')
        self.meta("relations = [relations.Provide(provide_to=('linux', 'ScsiDevice'))]", 'A', 'one or more attribute names')
        self.meta("relations = [relations.Provide(provide_to=str, attributes='s')]", 'A', 'no resource class')
        self.meta("relations = [5]", 'A', 'no relation', line=1)

    def test_relation_to_the_plugin_itself(self):
        path = self.file(HEAD + textwrap.dedent('''\
            class A(resources.Resource):
                class Meta:
                    identifier = identifiers.ScopedId('x')
                    relations = [relations.Provide(provide_to=('itself', 'B'), attributes='x'),
                                 relations.Subscribe(subscribe_to=('itself', 'A'), attributes='x')]
                x = attributes.Integer()
            '''), 'itself.py')
        with self.assertRaises(PluginError) as caught:
            loader.load(path)
        self.assertRegex(repr(caught.exception.problems), "^\\[[^,]*'B', which this plugin does not declare; [^,]*\\]$")

    def test_charts(self):
        self.meta("charts = [{'title': 'T', 'series': ['g', 'nothing']}]", 'A.nothing', 'no statistic', line=1)
        self.meta("charts = [{'title': 'T', 'series': ['g', 'h', ]}]", 'A', 'mixes', line=1)
        self.meta("charts = [{'title': 'T', 'series': ['g', 'c', 'd']}]", 'A', '3 different units', line=1)
        self.meta("charts = [{'series': ['g']}]", 'A', 'a chart must be', line=1)
        self.meta("charts = [{'title': 'T'}]", 'A', 'a chart must be', line=1)

    def test_meta(self):
        self.meta("label = 5", 'A', 'label must be text', line=1)
        self.meta("alert_condition = []", 'A', 'Meta.alert_condition is unknown', line=1)

    def test_same_name_twice(self):
        self.one(5, 'A', 'declared twice', '''\
            class A(resources.Resource):
                class Meta:
                    identifier = identifiers.ScopedId('x')
                x = attributes.Integer()
            class A(resources.Resource):
                class Meta:
                    identifier = identifiers.ScopedId('x')
                x = attributes.Integer()
            ''')


class Manifests(DeclarationCase):
    def test_inherited_declarations(self):
        loaded = self.load('''\
            class A(resources.LogicalDrive):
                class Meta:
                    identifier = identifiers.ScopedId('x')
                    label = 'An A'
                    alert_conditions = [alert_conditions.LowerBoundCondition('x', warn_bound=1, message='low')]
                    relations = [relations.Provide(provide_to=resources.DeviceNode, attributes='x')]
                    charts = [{'title': 'T', 'series': ['g']}]
                x = attributes.Integer(min_val=0, label='An x')
                g = statistics.Gauge(units='a', label='A g')
            class B(A):
                class Meta:
                    identifier = identifiers.ScopedId('x', 'y')
                    relations = [relations.Subscribe(subscribe_to=A, attributes=['y'])]
                y = attributes.Enum(0, 'one', 2.5, True)
            ''')
        a, b = loaded.manifest['classes']
        self.assertEqual(b['bases'], ['A', 'LogicalDrive', 'Resource'])
        self.assertNotIn('label', b)
        self.assertEqual(a['label'], 'An A')
        for member in ('alert_conditions', 'charts', 'statistics'):
            self.assertEqual(a[member], b[member])
        self.assertEqual([x['name'] for x in b['attributes']], ['size', 'filesystem_type', 'x', 'y'])
        self.assertEqual(b['attributes'][2], {'name': 'x', 'kind': 'integer', 'label': 'An x', 'min': 0})
        self.assertEqual(b['relations'], [
            {'kind': 'provide', 'plugin': 'builtin', 'class': 'DeviceNode', 'attributes': ['x']},
            {'kind': 'subscribe', 'class': 'A', 'attributes': ['y']}])

    def test_charts_on_the_class(self):
        loaded = self.load('''\
            class A(resources.Resource):
                class Meta:
                    identifier = identifiers.ScopedId('x')
                x = attributes.Integer()
                g = statistics.Gauge()
                charts = [{'title': 'T', 'series': ('g',)}]
            ''')
        self.assertEqual(loaded.manifest['classes'][0]['charts'], [{'title': 'T', 'series': ['g']}])

    def test_package(self):
        loaded = loader.load(os.path.join(DATA, 'package_plugin'))
        self.assertEqual((loaded.name, loaded.version), ('package_plugin', '2.5'))
        self.assertEqual([c['name'] for c in loaded.manifest['classes']], ['Controller', 'Drive'])

    def test_readme(self):
        with open(os.path.join(PYTHON, 'README.md'), encoding='utf-8') as f:
            source = f.read().split('```python\n')[1].split('```')[0]
        loaded = loader.load(self.file(source, 'readme_acme.py'))
        self.assertEqual([c['name'] for c in loaded.manifest['classes']], ['Array', 'Drive'])

    def test_example(self):
        loaded = loader.load(os.path.join(REPOSITORY, 'examples', 'example_plugin.py'))
        self.assertEqual([c['name'] for c in loaded.manifest['classes']],
                         ['Couplet', 'Controller', 'HardDrive', 'RaidPool', 'Lun'])


if __name__ == '__main__':
    unittest.main()
