"""Targets of scannable classes: what the manifest has of them, and what is wrong with them."""

import unittest

from tests.test_declarations import HEAD, DeclarationCase

TARGETS = HEAD + 'from chroma_core.lib.storage_plugin.api import targets\n'


class Targets(DeclarationCase):
    def array(self, target, base='ScannableResource'):
        return '''\
            class Base(resources.%s):
                address = attributes.Hostname()
                port = attributes.Integer(optional=True)
                class Meta:
                    identifier = identifiers.GlobalId('address')
                    target = %s
        '''.rstrip(' ') % (base, target)

    def test_manifest(self):
        body = self.array("targets.Target('address', concurrency=1, min_interval=1.5)")
        loaded = self.load(body, TARGETS)
        self.assertEqual(loaded.manifest['classes'][0]['target'], {'attribute': 'address', 'concurrency': 1, 'min_interval': 1.5})

    def test_default_is_none(self):
        self.assertNotIn('target', self.load(self.array('None'), TARGETS).manifest['classes'][0])

    def test_inherited(self):
        body = self.array("targets.Target('address', concurrency=2)") + '''\
            class Array(Base):
                class Meta:
                    identifier = identifiers.GlobalId('address')
        '''
        classes = self.load(body, TARGETS).manifest['classes']
        self.assertEqual([c['target']['concurrency'] for c in classes], [2, 2])

    def test_wrong(self):
        for target, text in [
                ("targets.Target('adress', concurrency=1)", "'adress', which is no attribute"),
                ("targets.Target(5, concurrency=1)", 'no attribute'),
                ("targets.Target('port', concurrency=1)", 'no text'),
                ("targets.Target('address')", 'no bound'),
                ("targets.Target('address', concurrency=0)", 'from 1 on'),
                ("targets.Target('address', concurrency=True)", 'from 1 on'),
                ("targets.Target('address', min_interval=0)", 'number of seconds'),
                ("targets.Target('address', min_interval='1')", 'number of seconds'),
                ("targets.Target('address', min_interval=1e9)", 'number of seconds'),
        ]:
            with self.subTest(target):
                self.one(6, 'Base', text, self.array(target), TARGETS)
        self.one(1, 'Base', 'must be a Target', self.array("'address'"), TARGETS)
        self.one(6, 'Base', 'nobody scans', self.array("targets.Target('address', concurrency=1)", 'Controller'), TARGETS)


if __name__ == '__main__':
    unittest.main()
