"""The reference of the SDK: that it is fresh, and that there is something to say of every public name."""

import importlib
import inspect
import os
import unittest

import docgen
from tests.host import REPOSITORY

PAGE = os.path.join(REPOSITORY, 'docs', 'python-sdk.md')


class Reference(unittest.TestCase):
    def test_the_page_is_fresh(self):
        with open(PAGE, encoding='utf-8') as f:
            self.assertEqual(f.read(), docgen.page(), 'write it anew: python3 python/docgen.py docs/python-sdk.md')

    def modules(self):
        for name, methods, _ in docgen.MODULES:
            yield importlib.import_module(name), methods

    def test_every_public_name_is_documented(self):
        count = 0
        for module, methods in self.modules():
            self.assertTrue(module.__doc__, module.__name__)
            self.assertTrue(getattr(module, '__all__', None), '%s says with __all__ what is public' % module.__name__)
            constants = docgen.comments(inspect.getsource(module))
            for name in docgen.public(module):
                value = getattr(module, name)
                with self.subTest('%s.%s' % (module.__name__, name)):
                    count += 1
                    if not (inspect.isclass(value) or inspect.isfunction(value)):
                        self.assertTrue(constants.get(('', name)) or docgen.elsewhere(module, name))
                        continue
                    self.assertTrue(vars(value).get('__doc__') if inspect.isclass(value) else value.__doc__)
                    if inspect.isclass(value) and methods:
                        self.members(value)
        self.assertGreater(count, 50)

    def members(self, klass):
        """Check the public methods and attributes that a class defines."""
        for heading, doc in docgen.members(klass):
            self.assertTrue(doc.strip(), '%s.%s' % (klass.__name__, heading))
        if klass.__name__ in ('Host', 'Reported', 'Turn', 'Alert', 'DevicePluginMessage'):
            # Their instances have attributes that authors read; each has a comment.
            assigned = [n for n in assignments(klass) if not n.startswith('_')]
            said = docgen.comments(inspect.getsource(inspect.getmodule(klass)))
            self.assertEqual([n for n in assigned if (klass.__name__, n) not in said], [])

    def test_what_is_public_is_what_the_guide_names(self):
        """A name that the guide prints must be importable from where the guide imports it."""
        names = {
            'attributes': 'BaseResourceAttribute Boolean Bytes Enum Hostname Integer Password PosixPath String Uuid '
                          'ResourceReference',
            'statistics': 'BytesHistogram Counter Gauge',
            'resources': 'Resource ScannableResource Controller Enclosure Fan LogicalDrive LogicalDriveOccupier '
                         'LogicalDriveSlice PhysicalDisk StoragePool VirtualMachine DeviceNode PathWeight '
                         'BaseStorageResource',
            'alert_conditions': 'LowerBoundCondition UpperBoundCondition ValueCondition AttrValAlertCondition',
            'identifiers': 'GlobalId ScopedId AutoId', 'relations': 'Provide Subscribe', 'plugin': 'Plugin'}
        for module, wanted in names.items():
            found = importlib.import_module(docgen.API + module).__all__
            self.assertEqual([n for n in wanted.split() if n not in found], [], module)
        plugin = importlib.import_module(docgen.API + 'plugin').Plugin
        for name in ('initial_scan update_scan teardown update_or_create remove register_resource update_period log '
                     'agent_session_start agent_session_continue').split():
            self.assertTrue(hasattr(plugin, name), name)


def assignments(klass):
    """Return the names that __init__ of a class assigns to self."""
    import ast
    import textwrap
    out = []
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(klass.__init__)))):
        for target in node.targets if isinstance(node, ast.Assign) else ():
            for one in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == 'self':
                    out.append(one.attr)
    return out


class Formatting(unittest.TestCase):
    def test_text(self):
        self.assertEqual(docgen.text('See:\n\n    a = 1\n\n    b = 2\n\nThen ``c``.'),
                         'See:\n\n```python\na = 1\n\nb = 2\n```\n\nThen `c`.')

    def test_comments(self):
        source = ('#: The limit,\n#: in bytes.\nLIMIT = 1\nother = 2\n\n\nclass A:\n    #: Of the class.\n    name = 1\n\n'
                  '    def __init__(self):\n        #: Of the instance.\n        self.x = 1\n')
        self.assertEqual(docgen.comments(source), {
            ('', 'LIMIT'): 'The limit, in bytes.', ('A', 'name'): 'Of the class.', ('A', 'x'): 'Of the instance.'})


if __name__ == '__main__':
    unittest.main()
