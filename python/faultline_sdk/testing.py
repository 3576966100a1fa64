"""Run a plugin in a unit test of yours: with a fake host and a fake clock, in the test's own process.

    from faultline_sdk import testing

    class Scans(unittest.TestCase):
        def test_a_broken_drive(self):
            with testing.start(Acme, address='10.0.0.1') as host:
                host.initial_scan()
                self.assertEqual(len(host.resources('Drive')), 12)
                drive = host.one('Drive', slot=3)
                self.assertEqual(drive['status'], 'OK')
                break_drive(3)                      # of whatever stands for your hardware
                host.clock.advance(10)
                host.update_scan()
                self.assertEqual(drive['status'], 'FAILED')
                host.want_alerts('Drive failure')
                self.assertFalse(host.update_scan())   # nothing changed, so nothing is sent

        def test_conform(self):
            with testing.start(Acme, address='10.0.0.1') as host:
                host.conform()

The plugin's hooks run on a thread, as in a real plugin process, and what they report goes through the real protocol; the
fake host keeps it as a server does. What a hook raises, the method of the host raises. It needs nothing but the standard
library and fits any test runner. ``faultline plugin test`` checks the same plugin from outside, as a process.
"""

from .testing_alerts import Alert
from .testing_host import TIMEOUT, Host, agent_messages, start
from .testing_model import Clock, Reported, Sample, Turn

__all__ = ['Alert', 'Clock', 'Host', 'Reported', 'Sample', 'TIMEOUT', 'Turn', 'agent_messages', 'start']
