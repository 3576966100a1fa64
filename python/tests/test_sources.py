"""Rules that the SDK's own source keeps."""

import ast
import os
import sys
import unittest

from tests.host import PYTHON

# Modules of the standard library that cost an idle plugin time or memory; import them where they are needed.
HEAVY = {'asyncio', 'typing', 'dataclasses', 'inspect', 'subprocess', 'ast', 'socket', 'random', 'unittest'}


def sources():
    for package in ('faultline_sdk', 'chroma_core', 'chroma_agent'):
        for folder, _, names in os.walk(os.path.join(PYTHON, package)):
            for name in names:
                if name.endswith('.py'):
                    yield os.path.join(folder, name)


class Sources(unittest.TestCase):
    def trees(self, but=()):
        for path in sources():
            if os.path.basename(path) in but:
                continue
            with open(path, encoding='utf-8') as f:
                source = f.read()
            with self.subTest(os.path.relpath(path, PYTHON)):
                yield source, ast.parse(source, feature_version=(3, 9))

    def test_python_3_9_can_parse_them(self):
        self.assertGreater(sum(1 for _ in self.trees()), 20)

    def test_standard_library_only(self):
        known = getattr(sys, 'stdlib_module_names', None)
        if known is None:
            self.skipTest('this Python does not list its standard library')
        own = {'faultline_sdk', 'chroma_core', 'chroma_agent'}
        for _, tree in self.trees():
            for node in ast.walk(tree):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else \
                    [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
                for name in names:
                    self.assertIn(name.split('.')[0], known | own)

    def test_no_heavy_imports_at_the_top(self):
        for _, tree in self.trees(but=['lint.py']):  # which is itself imported in a check only
            for node in tree.body:
                if isinstance(node, ast.Import):
                    self.assertFalse({a.name.split('.')[0] for a in node.names} & HEAVY)

    def test_everything_public_has_a_docstring(self):
        for _, tree in self.trees():
            self.assertTrue(ast.get_docstring(tree))
            for node in self.public(tree):
                self.assertTrue(ast.get_docstring(node) or self.overrides(node), node.name)

    def public(self, tree):
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith('_'):
                yield node
                for member in getattr(node, 'body', []) if isinstance(node, ast.ClassDef) else []:
                    if isinstance(member, ast.FunctionDef) and not member.name.startswith('_'):
                        yield member

    # Methods that the base class documents.
    OVERRIDES = {'make_check', 'to_wire', 'convert', 'check', 'visit_ClassDef', 'visit_If', 'visit_Assign', 'visit_Call'}

    def overrides(self, node):
        return node.name in self.OVERRIDES

    def test_files_are_short(self):
        for source, _ in self.trees():
            self.assertLess(source.count('\n'), 401)
            self.assertLess(max(map(len, source.split('\n'))), 131)


if __name__ == '__main__':
    unittest.main()
