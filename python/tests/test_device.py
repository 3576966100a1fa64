"""Device plugins: modules with a DevicePlugin, run as the agent runs them (guide, "Agent Plugins")."""

import os
import tempfile
import textwrap
import unittest

from faultline_sdk import rules
from tests.host import Host, Refused

HEAD = 'from chroma_agent.plugin_manager import *\n'


class DeviceTest(unittest.TestCase):
    def plugin(self, source, name='my_controller', head=HEAD):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, name + '.py')
        with open(path, 'w', encoding='utf-8') as f:
            f.write(head + textwrap.dedent(source))
        host = Host(path, name)
        self.addCleanup(host.__exit__, None, None, None)
        return host

    def start(self, source, **kwargs):
        host = self.plugin(source, **kwargs)
        return host, host.initialize()

    def refused(self, source, **kwargs):
        with self.assertRaises(Refused) as caught:
            self.plugin(source, **kwargs).initialize()
        return [(p['code'], p['line'], p['text'], p.get('fix', '')) for p in caught.exception.data['problems']]

    def test_plain_values(self):
        host, answer = self.start('''
            class A(DevicePlugin):
                def start_session(self):
                    return {'a': [1, None, 'ü']}
            ''')
        self.assertEqual(answer['device'], {'updates': False})
        self.assertEqual(answer['manifest'], {'api_version': 1, 'classes': []})
        self.assertEqual(host.call('device/start_session', session='1'), {'messages': [{'data': {'a': [1, None, 'ü']}}]})

    def test_not_implemented_and_null(self):
        host, answer = self.start('''
            class A(DevicePlugin):
                def update_session(self):
                    return None
            ''')
        self.assertEqual(answer['device'], {'updates': True})
        self.assertEqual(host.call('device/start_session', session='1'), {'messages': []})
        self.assertEqual(host.call('device/update_session', session='1'), {'messages': []})

    def test_constructor_of_its_own(self):
        host, _ = self.start('''
            class A(DevicePlugin):
                def __init__(self, session):
                    self.mine = 3

                def start_session(self):
                    self.changed()
                    self.log.warning('x')
                    return self.mine
            ''')
        self.assertEqual(host.call('device/start_session', session='1'), {'messages': [{'data': 3}]})

    def test_exception_ends_the_session(self):
        host, _ = self.start('''
            made = []

            class A(DevicePlugin):
                def start_session(self):
                    made.append(self)
                    return len(made)

                def update_session(self):
                    raise KeyError('no disk')

                def teardown(self):
                    self.log.warning('down %d', len(made))
            ''')
        self.assertEqual(host.call('device/start_session', session='1'), {'messages': [{'data': 1}]})
        with self.assertRaisesRegex(Refused, 'no disk') as caught:
            host.call('device/update_session', session='1')
        self.assertEqual((caught.exception.code, caught.exception.data['kind']), (-32001, 'KeyError'))
        self.assertIn('my_controller.py', caught.exception.data['detail'])
        with self.assertRaisesRegex(Refused, 'not open'):
            host.call('device/update_session', session='1')
        self.assertEqual(host.call('device/start_session', session='2'), {'messages': [{'data': 2}]})
        self.assertEqual([r['message'] for r in host.logs], ['down 1'])

    def test_what_cannot_be_sent(self):
        host, _ = self.start('''
            results = [object(), float('nan'), {(1, 2): 3}, DevicePluginMessage(1, 7), 'x' * (16 << 20)]

            class A(DevicePlugin):
                def start_session(self):
                    return results.pop(0)
            ''')
        for i, text in enumerate(('not JSON serializable', 'NaN|JSON compliant', 'keys must be', 'has the priority 7', 'more than 15 MiB')):
            with self.assertRaisesRegex(Refused, text):
                host.call('device/start_session', session=str(i))

    def test_problems(self):
        self.assertEqual([p[:3] for p in self.refused('''
            class A(DevicePlugin):
                def start_session(self, host):
                    yield host


            class B(DevicePlugin):
                update_period = 'often'
            ''')], [
                ('FL114', 8, 'my_controller defines 2 device plugins, A, B; a module must define exactly one'),
                ('FL116', 4, 'start_session is called with 0 arguments beside self, which it does not take'),
                (rules.OPTION_VALUE, 8, "update_period must be a number of seconds above 0, not 'often'"),
            ])

    def test_both_sides_in_one_file(self):
        code, line, text, fix = self.refused('''
            from chroma_core.lib.storage_plugin.api import plugin
            version = 1
            class A(DevicePlugin):
                pass
            class B(plugin.Plugin):
                def agent_session_start(self, host_id, data):
                    pass
            ''')[0]
        self.assertEqual((code, line), ('FL114', 5))
        self.assertIn('a plugin for the server, B, and one for the agent, A', text)
        self.assertIn('two files', fix)

    def test_wrong_version(self):
        self.assertEqual(self.refused('''
            version = 2
            class A(DevicePlugin):
                pass
            ''')[0][:2], ('FL112', 3))

    def test_python2(self):
        self.assertEqual(self.refused('''
            class A(DevicePlugin):
                def start_session(self):
                    print "hello"
            ''')[0][:2], ('FL104', 5))
        self.assertEqual(self.refused('''
            class A(DevicePlugin):
                def start_session(self):
                    return [k for k, v in {}.iteritems()]
            ''')[0][:2], ('FL104', 5))

    def test_inherited(self):
        host, _ = self.start('''
            class Common(DevicePlugin):
                def start_session(self):
                    return self.what()

            class A(Common):
                def what(self):
                    return 'a'
            ''')
        self.assertEqual(host.call('device/start_session', session='1'), {'messages': [{'data': 'a'}]})


if __name__ == '__main__':
    unittest.main()
