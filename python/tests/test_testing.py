"""faultline_sdk.testing: the fake host, its clock, the alerts that it works out, and its generic checks."""

import os
import sys
import tempfile
import threading
import unittest

from chroma_agent.plugin_manager import PRIO_HIGH, DevicePluginMessage, DevicePluginMessageCollection
from chroma_core.lib.storage_plugin.api import (
    alert_conditions, attributes, identifiers, plugin, resources, statistics)
from faultline_sdk import testing
from faultline_sdk.errors import PluginError, UnknownAttributeError, ValidationError
from tests.host import DATA, PYTHON, REPOSITORY


def backwards(password):
    return password[::-1]


class Array(resources.ScannableResource):
    class Meta:
        identifier = identifiers.GlobalId('address')
        alert_conditions = [alert_conditions.ValueCondition('state', info_states=['BUSY'], message='Array is busy')]
    address = attributes.Hostname()
    password = attributes.Password(backwards, optional=True)
    port = attributes.Integer(default=lambda values: 443 if values['address'].startswith('s') else 80)
    state = attributes.String(optional=True, user_read_only=True)


class Shelf(resources.Enclosure):
    class Meta:
        identifier = identifiers.ScopedId('number')
    number = attributes.Integer()


class Drive(resources.PhysicalDisk):
    class Meta:
        identifier = identifiers.ScopedId('shelf', 'slot')
        alert_conditions = [
            alert_conditions.ValueCondition('status', error_states=['FAILED'], message='Drive failure'),
            alert_conditions.UpperBoundCondition('temperature', warn_bound=70, error_bound=85, warn_clear=60,
                                                 message='Drive too hot'),
            alert_conditions.LowerBoundCondition('spare', warn_bound=10, for_seconds=60, message='Little spare'),
        ]
    shelf = attributes.ResourceReference()
    slot = attributes.Integer()
    status = attributes.Enum('OK', 'FAILED')
    spare = attributes.Integer(optional=True)
    backup = attributes.ResourceReference(optional=True)
    temperature = statistics.Gauge(units='C')
    sizes = statistics.BytesHistogram(bins=[(0, 512), (513,)])

    def get_label(self):
        if Acme.hardware.get('unnameable') == self.slot:
            raise KeyError('name')
        return 'Laufwerk %d' % self.slot


class Acme(plugin.Plugin):
    """Reports what stands in ``hardware``, with faults that the tests switch on."""

    hardware = {}

    def initial_scan(self, array):
        found = Acme.hardware
        if found.get('unreachable'):
            raise ConnectionRefusedError('no route to %s' % array.address)
        self.update_period = 5
        if found.get('gap'):
            self.incomplete(found['gap'])
        self.log.debug('scanning %s', array.address)
        if found.get('tells'):
            self.log.info('signing in with %s', array.password)
        if found.get('shift') is not None:
            found['shift'] += 1
        self.shelf, _ = self.update_or_create(Shelf, number=1)
        self.stop = threading.Event()
        if found.get('thread'):
            self.thread = threading.Thread(target=self.stop.wait, name='listener')
            self.thread.start()
        self.update_scan(array)

    def update_scan(self, array):
        found = Acme.hardware
        if found.get('breaks'):
            raise OSError('the line broke')
        drives = {}
        for slot in range(found['drives']):
            drives[slot], _ = self.update_or_create(
                Drive, [self.shelf], shelf=self.shelf, slot=slot + found.get('shift', 0), status='OK',
                spare=found.get('spare'))
            drives[slot].temperature = found.get('temperature', 20)
        if found.get('restless'):
            found['spare'] = (found.get('spare') or 0) + 1
        if found.get('loop'):
            self.shelf.add_parent(drives[0])
        if found.get('circle'):
            drives[0].backup, drives[1].backup = drives[1], drives[0]
        for drive in list(self.find_by_attr(Drive)):
            if drive.slot in found.get('failed', ()):
                drive.status = 'FAILED'
            if drive.slot in found.get('gone', ()):
                self.remove(drive)

    def teardown(self):
        if not Acme.hardware.get('leaves'):
            self.stop.set()


class TornAcme(Acme):
    def teardown(self):
        if getattr(self, 'shelf', None) is not None:
            super().teardown()


class HostCase(unittest.TestCase):
    klass = TornAcme

    def start(self, **hardware):
        Acme.hardware = dict({'drives': 3}, **hardware)
        host = testing.start(self.klass, Array, address='a1.example.com', password='open sesame')
        self.addCleanup(host.close)
        return host


class Scans(HostCase):
    def test_what_is_reported(self):
        host = self.start()
        turn = host.initial_scan()
        self.assertTrue(turn)
        self.assertTrue(turn.complete)
        self.assertEqual(len(turn.created), 4)
        self.assertEqual(len(host.resources(Drive)), 3)
        self.assertEqual(len(host.resources('Drive')), 3)
        shelf, drive = host.one(Shelf), host.one(Drive, slot=2)
        self.assertIs(host.one(Drive, shelf=shelf, slot=2, spare=None), drive)
        self.assertEqual(drive['status'], 'OK')
        self.assertIsNone(drive['spare'])
        self.assertIs(drive['shelf'], shelf)
        self.assertEqual(drive.parents, [shelf])
        self.assertEqual(drive.label, 'Laufwerk 2')
        self.assertEqual(host.update_period, 5)
        self.assertEqual(host.incomplete, [])
        self.assertEqual(host.root['address'], 'a1.example.com')
        self.assertIsInstance(host.plugin, Acme)

    def test_turns(self):
        host = self.start()
        host.initial_scan()
        turn = host.update_scan()
        self.assertEqual((turn.number, turn.created, turn.changed, turn.removed, turn.samples), (2, [], [], [], 3))
        Acme.hardware.update(failed=[1], gone=[0])
        drives = host.resources(Drive)
        turn = host.update_scan()
        self.assertEqual((turn.changed, turn.removed), ([drives[1]], [drives[0]]))
        self.assertEqual(host.removed, [drives[0]])
        self.assertTrue(drives[0].removed)
        self.assertEqual(drives[1]['status'], 'FAILED')
        self.assertEqual([t.number for t in host.turns], [1, 2, 3])

    def test_nothing_is_sent(self):
        host = self.start(drives=0)
        host.initial_scan()
        turn = host.update_scan()
        self.assertFalse(turn)
        self.assertIn('nothing', repr(turn))

    def test_samples_have_the_clocks_time(self):
        host = self.start(drives=1)
        host.initial_scan()
        host.clock.advance(12.5)
        Acme.hardware['temperature'] = 30
        host.update_scan()
        drive = host.one(Drive)
        first, second = drive.samples('temperature')
        self.assertEqual((second.time - first.time, first.value, second.value), (12.5, 20, 30))
        self.assertEqual(drive.last('temperature'), 30)
        self.assertIsNone(drive.last('sizes'))
        with self.assertRaises(ValueError):
            host.clock.advance(-1)

    def test_what_a_hook_raises_is_raised(self):
        host = self.start(unreachable=True)
        with self.assertRaisesRegex(ConnectionRefusedError, 'no route to a1'):
            host.initial_scan()
        self.assertEqual(host.turns, [])
        host.reopen()
        Acme.hardware = {'drives': 1}
        host.initial_scan()
        Acme.hardware['breaks'] = True
        with self.assertRaises(OSError):
            host.update_scan()

    def test_values_are_checked_at_once(self):
        host = self.start(spare='many')
        with self.assertRaisesRegex(ValidationError, 'Drive.spare'):
            host.initial_scan()

    def test_the_order_of_the_calls(self):
        host = self.start()
        with self.assertRaisesRegex(Exception, 'no first scan yet'):
            host.update_scan()
        host.initial_scan()
        with self.assertRaisesRegex(Exception, 'first scan already'):
            host.initial_scan()
        host.teardown()
        host.teardown()
        with self.assertRaisesRegex(ValueError, 'reopen'):
            host.update_scan()

    def test_incomplete(self):
        host = self.start(gap='Einschub 3 antwortet nicht')
        self.assertFalse(host.initial_scan().complete)
        self.assertEqual(host.incomplete, ['Einschub 3 antwortet nicht'])

    def test_logs(self):
        host = self.start()
        host.initial_scan()
        self.assertEqual([(r['level'], r['message']) for r in host.logs], [('debug', 'scanning a1.example.com')])

    def test_passwords_and_defaults_as_a_user_gives_them(self):
        host = self.start()
        self.assertEqual(host.plugin._fl_session.root.password, 'emases nepo')
        self.assertEqual(host.encrypt('password', 'abc'), 'cba')
        self.assertEqual(host.root['port'], 80)
        host = testing.start(TornAcme, Array, address='s.example.com', port=8080)
        self.addCleanup(host.close)
        self.assertEqual(host.root['port'], 8080)

    def test_wrong_roots(self):
        for error, klass, values in ((ValidationError, Array, {'address': '?'}), (ValidationError, Array, {}),
                                     (UnknownAttributeError, Array, {'adress': 'a'}), (ValueError, 'Shelf', {'number': 1}),
                                     (ValueError, Array, {'address': 'a', 'state': 'BUSY'})):
            with self.subTest(values=values), self.assertRaises(error):
                testing.start(TornAcme, klass, **values)

    def test_messages_of_assertions(self):
        host = self.start()
        host.initial_scan()
        with self.assertRaisesRegex(AssertionError, '0 resources are Drive with slot=7.*\n.*<Drive 2 .*slot=0'):
            host.one(Drive, slot=7)
        with self.assertRaisesRegex(AssertionError, '3 resources are Drive'):
            host.one(Drive)
        host.timeout = 0.01
        with self.assertRaisesRegex(AssertionError, 'after 0.01 s there is no Drive with slot=7'):
            host.wait_for(Drive, slot=7)

    def test_a_cycle_is_refused(self):
        with self.assertRaisesRegex(AssertionError, 'parents form a cycle.*Drive 2 → Shelf 1|Shelf 1 → Drive 2'):
            self.start(loop=True).initial_scan()

    def test_deleted_from_outside(self):
        host = self.start()
        host.initial_scan()
        before = host.one(Drive, slot=1)
        host.delete(before)
        after = host.wait_for(Drive, slot=1)
        self.assertIsNot(after, before)
        self.assertTrue(before.removed)


class Alerts(HostCase):
    def test_values_and_bounds(self):
        host = self.start(drives=1)
        host.initial_scan()
        host.want_alerts()
        Acme.hardware['temperature'] = 86
        host.update_scan()
        self.assertEqual([(a.severity, a.message, a.value) for a in host.alerts()],
                         [('error', 'Drive too hot', 86), ('warning', 'Drive too hot', 86)])
        host.want_alerts('Drive too hot', 'Drive too hot')
        for degrees, want in ((85, ['warning']), (65, ['warning']), (60, []), (70, []), (71, ['warning'])):
            Acme.hardware['temperature'] = degrees
            host.update_scan()
            self.assertEqual([a.severity for a in host.alerts()], want, degrees)
        Acme.hardware['failed'] = [0]
        host.update_scan()
        self.assertEqual([a.severity for a in host.alerts(Drive)], ['error', 'warning'])
        self.assertEqual([a.message for a in host.alerts(severity='error')], ['Drive failure'])
        with self.assertRaisesRegex(AssertionError, 'Drive failure'):
            host.want_alerts()
        Acme.hardware['gone'] = [0]
        host.update_scan()
        host.want_alerts()

    def test_a_condition_that_must_last(self):
        host = self.start(drives=1, spare=5)
        host.initial_scan()
        began = host.clock.now()
        host.clock.advance(59)
        host.update_scan()
        host.want_alerts()
        host.clock.advance(31)
        host.want_alerts('Little spare')
        alert, = host.alerts()
        self.assertEqual((alert.since, alert.began), (began, began + 60))
        Acme.hardware['spare'] = 10
        host.update_scan()
        host.want_alerts()
        Acme.hardware['spare'] = 9
        host.update_scan()
        host.clock.advance(59)
        Acme.hardware['spare'] = 11
        host.update_scan()
        host.clock.advance(59)
        host.want_alerts()

    def test_the_roots_own(self):
        host = self.start()
        host.initial_scan()
        host.plugin._fl_session.root.state = 'BUSY'
        host.update_scan()
        self.assertEqual([a.resource for a in host.alerts()], [host.root])


class Threads(HostCase):
    def test_changes_between_hooks(self):
        host = self.start()
        host.initial_scan()
        worker = threading.Thread(target=lambda: host.plugin.update_or_create(Shelf, number=2))
        worker.start()
        self.assertEqual(host.wait_for(Shelf, number=2)['number'], 2)
        worker.join()

    def test_a_hook_that_hangs_is_shown(self):
        class Slow(plugin.Plugin):
            go_on = threading.Event()

            def initial_scan(self, root):
                Slow.go_on.wait()
        host = testing.start(Slow, Array, address='a')
        host.timeout = 0.05
        with self.assertRaisesRegex(AssertionError, r'(?s)did not return within 0.05 s.*Slow.go_on.wait\(\)'):
            host.initial_scan()
        host.timeout = testing.TIMEOUT
        Slow.go_on.set()
        host.close()


class Agents(unittest.TestCase):
    def test_hooks(self):
        class Local(plugin.Plugin):
            def agent_session_start(self, host_id, data):
                for name in data['devices']:
                    self.update_or_create(Shelf, number=name)
                self.host_id = host_id

            def agent_session_continue(self, host_id, data):
                self.remove_by_attr(Shelf, number=data['gone'])
        with testing.start(Local, resources.HostRoot) as host:
            host.agent_session_start({'devices': (1, 2)}, host_id=7)
            self.assertEqual(host.plugin.host_id, 7)
            self.assertEqual(len(host.resources(Shelf)), 2)
            self.assertEqual(len(host.agent_session_continue({'gone': 1}).removed), 1)
            host.conform({'devices': [1, 2], 'gone': 3})

    def test_messages(self):
        for result, want in ((None, []), ({'a': 1}, [{'a': 1}]), ([1, 2], [[1, 2]]),
                             (DevicePluginMessage({'b': (1,)}, PRIO_HIGH), [{'b': [1]}]),
                             (DevicePluginMessageCollection([1, DevicePluginMessage(2)]), [1, 2])):
            self.assertEqual(testing.agent_messages(result), want)


class Plugins(unittest.TestCase):
    def test_a_path(self):
        for _ in range(3):
            with testing.start(os.path.join(REPOSITORY, 'examples', 'example_plugin.py'), address_1='a', address_2='b') as host:
                host.conform()
        with testing.start(os.path.join(DATA, 'scripted.py'), 'Array', address='a') as host:
            host.initial_scan()
            self.assertEqual(host.root['nickname'], 'array at a')

    def test_a_module(self):
        sys.path.insert(0, DATA)
        self.addCleanup(sys.path.remove, DATA)
        import package_plugin
        with testing.start(package_plugin, address='a') as host:
            host.initial_scan()

    def test_what_is_none(self):
        for given in (3, Array, self):
            with self.assertRaises((TypeError, ValueError)):
                testing.start(given)

    def test_wrong_declarations(self):
        class Bare(resources.Resource):
            name = attributes.String()
        with self.assertRaisesRegex(PluginError, 'needs an identifier'):
            testing.start(TornAcme, Array, [Bare], address='a')

    def test_classes_out_of_sight(self):
        class Out(resources.Fan):
            class Meta:
                identifier = identifiers.ScopedId('number')
            number = attributes.Integer()

        class Far(plugin.Plugin):
            def initial_scan(self, root):
                self.update_or_create(Out, number=1)
        with testing.start(Far, Array, [Out], address='a') as host:
            host.initial_scan()
            host.one(Out, number=1)
        with testing.start(Far, Array, address='a') as host:
            with self.assertRaisesRegex(AssertionError, 'Out.*does not declare'):
                host.initial_scan()


class Readme(unittest.TestCase):
    def test_snippets(self):
        """The README's plugin passes the README's test."""
        with open(os.path.join(PYTHON, 'README.md'), encoding='utf-8') as f:
            blocks = [b.split('```')[0] for b in f.read().split('```python\n')[1:]]
        hardware = ('\n\nclass Found:\n    serial, status, temperature = "S3", "OK", 20\n\n\n'
                    'def read_drives(address):\n    return [Found]\n')
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, 'acme.py'), 'w', encoding='utf-8') as f:
                f.write(blocks[0] + hardware)
            sys.path.insert(0, folder)
            self.addCleanup(sys.path.remove, folder)
            names = {'__name__': 'readme_tests'}
            exec(compile(blocks[1], 'README.md', 'exec'), names)
        self.addCleanup(sys.modules.pop, 'acme')

        def break_drive(serial):
            sys.modules['acme'].Found.status = 'FAILED'
        names['break_drive'] = break_drive
        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(names['Scans']).run(result)
        self.assertEqual((result.testsRun, result.errors, result.failures), (2, [], []))


class Conform(HostCase):
    def test_what_is_found(self):
        for hardware, want in (
                ({}, None),
                ({'restless': True}, r'an update of unchanged hardware: spare of Drive .*slot=0 is 2, and was 1'),
                ({'shift': 0}, r'a second session: Drive .* is known to the first one and not afterwards'),
                ({'loop': True}, 'parents form a cycle'),
                ({'circle': True}, 'references form a cycle.*ResourceReference'),
                ({'tells': True}, 'the log has the value of Array.password'),
                ({'unnameable': 1}, "get_label of Drive .* failed"),
                ({'thread': True, 'leaves': True}, 'the thread listener still runs')):
            with self.subTest(hardware):
                host = self.start(**hardware)
                if want is None:
                    host.conform()
                    continue
                leave = testing_conform_leave(0.2)
                try:
                    with self.assertRaisesRegex(AssertionError, want):
                        host.conform()
                finally:
                    leave()
                for thread in threading.enumerate():
                    if thread.name == 'listener':
                        Acme.hardware = {}
                        host.plugin = None
                        release(thread)

    def test_a_teardown_that_expects_too_much(self):
        self.klass = Acme
        with self.assertRaisesRegex(AssertionError, 'teardown raises AttributeError.*failed at resource 1;'):
            self.start().conform()


def testing_conform_leave(seconds):
    """Make the wait for left threads short; return what undoes it."""
    from faultline_sdk import testing_conform
    before, testing_conform._LEAVE = testing_conform._LEAVE, seconds

    def undo():
        testing_conform._LEAVE = before
    return undo


def release(thread):
    """End a thread that waits for an Event which nobody sets any more."""
    event = thread._target.__self__
    event.set()
    thread.join()


if __name__ == '__main__':
    unittest.main()
