import os
import tempfile
import unittest
from importlib.util import module_from_spec, spec_from_file_location

from faultline_sdk import testing

from hosts import HostsPlugin, Server


class Agent(unittest.TestCase):
    def setUp(self):
        # Both sides have the same name, so the agent's is loaded by its path.
        here = os.path.dirname(os.path.abspath(__file__))
        spec = spec_from_file_location('hosts_agent', os.path.join(here, 'agent', 'hosts.py'))
        self.agent = module_from_spec(spec)
        spec.loader.exec_module(self.agent)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        for name in ('scsi-600A', 'scsi-600A-part1', 'ata-x'):
            os.symlink('/dev/null', os.path.join(self.folder, name))

    def test_from_the_agent_to_the_server(self):
        devices = self.agent.list_devices(self.folder)
        self.agent.list_devices = lambda: devices
        agent = self.agent.HostsAgent()
        with testing.start(HostsPlugin, Server, host_id=7) as host:
            for message in testing.agent_messages(agent.start_session()):
                host.agent_session_start(message, host_id=7)
            node = host.one('Node', path='/dev/null')
            self.assertEqual(node['serial'], '600A')
            self.assertIsNone(agent.update_session())

            devices = []
            for message in testing.agent_messages(agent.update_session()):
                host.agent_session_continue(message, host_id=7)
            self.assertEqual(host.resources('Node'), [])


class Scan(unittest.TestCase):
    def test_machines(self):
        with testing.start(HostsPlugin, address='box.example.com') as host:
            host.initial_scan()
            self.assertEqual(host.one('Machine')['address'], '192.168.1.11')


if __name__ == '__main__':
    unittest.main()
