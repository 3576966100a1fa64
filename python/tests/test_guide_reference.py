"""The guide's reference, entry by entry: every class with the arguments, in the order, that the guide prints for it.

Where test_guide.py has the guide's longer examples, this has its signatures and the sentences about them.
"""

import logging
import os
import tempfile
import threading
import unittest

from chroma_agent import plugin_manager
from chroma_core.lib.storage_plugin.api import (
    alert_conditions, attributes, identifiers, plugin, relations, resources, statistics)
from faultline_sdk import manifest, testing
from faultline_sdk.errors import ValidationError

COMMON = ('optional', 'label', 'hidden', 'user_read_only', 'default')


def rot13(text):
    return text.translate({ord(c): chr((ord(c) - 97 + 13) % 26 + 97) for c in 'abcdefghijklmnopqrstuvwxyz'})


class Declared(unittest.TestCase):
    def test_common_options_stand_in_the_guides_order(self):
        """Every attribute class takes the common options, by position after its own and by name."""
        values = (True, 'Fancy name', True, True, None)
        for klass, own in ((attributes.BaseResourceAttribute, ()), (attributes.Boolean, ()), (attributes.Bytes, (0, 9)),
                           (attributes.Hostname, ()), (attributes.Integer, (0, 9)), (attributes.Password, (rot13, 7)),
                           (attributes.PosixPath, ()), (attributes.String, (7,)), (attributes.Uuid, ()),
                           (attributes.ResourceReference, ())):
            with self.subTest(klass.__name__):
                for made in (klass(*(own + values)), klass(*own, **dict(zip(COMMON, values)))):
                    self.assertEqual(made.problems, [])
                    self.assertEqual(tuple(getattr(made, n) for n in COMMON), values)
        made = attributes.Enum('good', 'bad', 'ugly', **dict(zip(COMMON, values)))
        self.assertEqual((made.problems, made.options, made.label), ([], ('good', 'bad', 'ugly'), 'Fancy name'))

    def test_defaults_of_the_options(self):
        made = attributes.String()
        self.assertEqual(tuple(getattr(made, n) for n in COMMON), (False, None, False, False, None))
        made = statistics.Gauge()
        self.assertEqual((made.sample_period, made.units, made.label), (10, None, None))

    def test_statistics(self):
        for klass in (statistics.Counter, statistics.Gauge):
            made = klass(30, 'bytes/s', 'Rate')
            self.assertEqual((made.problems, made.sample_period, made.units, made.label), ([], 30, 'bytes/s', 'Rate'))
        made = statistics.BytesHistogram(bins=[(0, 512), (513, 1024), (1025, 4096), (4097,)])
        self.assertEqual((made.problems, made.to_wire()['bins']), ([], [[0, 512], [513, 1024], [1025, 4096], [4097]]))
        self.assertEqual(made.to_wire()['unit'], 'bytes')
        self.assertEqual(statistics.BytesHistogram(units='ms', bins=[(0, 1), (2,)]).to_wire()['unit'], 'ms')

    def test_conditions(self):
        for klass in (alert_conditions.LowerBoundCondition, alert_conditions.UpperBoundCondition):
            made = klass('rate', 10, 20, 30, 'Rate', 'an_id')
            self.assertEqual((made.problems, made.error_bound, made.warn_bound, made.info_bound, made.message, made.id),
                             ([], 10, 20, 30, 'Rate', 'an_id'))
        for klass in (alert_conditions.ValueCondition, alert_conditions.AttrValAlertCondition):
            made = klass('status', ['A'], ['B'], ['C'], 'Widget failed', 'an_id')
            self.assertEqual((made.problems, made.error_states, made.warn_states, made.info_states, made.message, made.id),
                             ([], ['A'], ['B'], ['C'], 'Widget failed', 'an_id'))
            self.assertEqual(klass('status', error_states=['A']).watched(), [('error', ['A'])])

    def test_identifiers_and_relations(self):
        for klass in (identifiers.GlobalId, identifiers.ScopedId):
            self.assertEqual(klass('shelf', 'slot').attributes, ('shelf', 'slot'))
            self.assertEqual(klass(['shelf', 'slot']).attributes, ('shelf', 'slot'))
        self.assertEqual(identifiers.AutoId().to_wire(), {'scope': 'auto'})
        for made in (relations.Provide(provide_to=('linux', 'ScsiDevice'), attributes='serial'),
                     relations.Provide(('linux', 'ScsiDevice'), ['serial'], True),
                     relations.Subscribe(subscribe_to=resources.Fan, attributes=['serial'], ignorecase=True)):
            self.assertEqual((made.problems, made.attributes), ([], ['serial']))

    def test_built_in_classes_take_keywords(self):
        for name in resources.__all__:
            klass = getattr(resources, name)
            with self.subTest(name):
                self.assertTrue(klass.__doc__)
                self.assertIsInstance(klass(), resources.Resource)
        self.assertEqual(resources.LogicalDrive(size=512).size, 512)
        self.assertIs(resources.BaseStorageResource, resources.Resource)

    def test_class_facts_of_logical_drives(self):
        class Pool(resources.LogicalDrive):
            class Meta:
                identifier = identifiers.ScopedId('name')
            name = attributes.String()
            usable_for_lustre = False

            @classmethod
            def device_type(cls):
                return 'zfs'
        self.assertEqual((resources.LogicalDrive.usable_for_lustre, resources.LogicalDrive.device_type()), (True, 'linux'))
        self.assertEqual((Pool.usable_for_lustre, Pool.device_type(), Pool(name='x').device_type()), (False, 'zfs', 'zfs'))
        self.assertIs(manifest.build('p', [Pool])['classes'][0]['not_for_targets'], True)

    def test_virtual_machine(self):
        class Machine(resources.VirtualMachine):
            class Meta:
                identifier = identifiers.GlobalId('number')
            number = attributes.Integer()
        machine = Machine(number=1, address='192.168.1.11')
        self.assertEqual((machine.address, machine.host_id), ('192.168.1.11', None))
        for assign in (lambda: setattr(machine, 'host_id', 7), lambda: Machine(number=2, address='a', host_id=7)):
            with self.assertRaisesRegex(ValidationError, 'Machine.host_id = 7.* belongs to the server'):
                assign()

    def test_agent_side(self):
        self.assertTrue(issubclass(plugin_manager.DevicePluginMessageCollection, list))
        message = plugin_manager.DevicePluginMessage({'a': 1})
        self.assertEqual((message.message, message.priority), ({'a': 1}, plugin_manager.PRIO_NORMAL))
        some = plugin_manager.DevicePluginMessageCollection([1, 2], priority=plugin_manager.PRIO_LOW)
        self.assertEqual((list(some), some.priority), ([1, 2], plugin_manager.PRIO_LOW))

        class Persistent(plugin_manager.DevicePlugin):
            def start_session(self):
                self.seen = 1
                return {'devices': [1]}

            def update_session(self):
                self.seen += 1
                return {'devices': [self.seen]}
        one = Persistent(session=None)
        self.assertEqual([one.start_session(), one.update_session(), one.update_session()],
                         [{'devices': [n]} for n in (1, 2, 3)])


class Couplet(resources.ScannableResource):
    class Meta:
        identifier = identifiers.GlobalId('address_1', 'address_2')
    address_1 = attributes.Hostname()
    address_2 = attributes.Hostname()
    password = attributes.Password(rot13, optional=True)


class Shelf(resources.Enclosure):
    class Meta:
        identifier = identifiers.ScopedId('number')
        label = 'Disk shelf'
        charts = [{'title': 'Power', 'series': ['watts', 'amperes']}]
        alert_conditions = [alert_conditions.UpperBoundCondition('watts', error_bound=900, message='Overload')]
    number = attributes.Integer()
    note = attributes.String(optional=True)
    watts = statistics.Gauge(units='W')
    amperes = statistics.Gauge(units='A')


class DeepShelf(Shelf):
    class Meta:
        identifier = identifiers.ScopedId('number')
    depth = attributes.Integer(default=lambda values: values['number'] * 10)
    watts = statistics.Gauge(60, units='kW')


class DerivedMetaShelf(Shelf):
    class Meta(Shelf.Meta):
        label = 'Another'


class Disk(resources.PhysicalDisk):
    class Meta:
        identifier = identifiers.ScopedId('shelf', 'slot')
    shelf = attributes.ResourceReference()
    slot = attributes.Integer()
    good = attributes.Boolean(default=True)
    where = attributes.PosixPath(optional=True)
    spare_of = attributes.ResourceReference(optional=True)

    def get_label(self):
        return self.slot


class Odd(resources.Resource):
    class Meta:
        identifier = identifiers.ScopedId('name')
    name = attributes.String()
    shown = None

    def get_label(self):
        return Odd.shown


class Example(plugin.Plugin):
    """Does what the test says, in the hook that runs."""

    scan = update = None

    def initial_scan(self, couplet):
        Example.scan(self, couplet)

    def update_scan(self, couplet):
        Example.update(self, couplet)


class Lives(unittest.TestCase):
    def start(self, scan, **attrs):
        Example.scan, Example.update = scan, lambda self, couplet: None
        host = testing.start(Example, address_1='10.0.0.1', address_2='10.0.0.2', **attrs)
        self.addCleanup(host.close)
        return host

    def scanned(self, scan, **attrs):
        host = self.start(scan, **attrs)
        host.initial_scan()
        return host

    def update(self, host, update):
        Example.update = update
        return host.update_scan()

    def test_update_or_create_returns_a_pair(self):
        def scan(self, couplet):
            shelf, created = self.update_or_create(Shelf, parents=[], number=1)
            assert created and shelf.number == 1
            again, created = self.update_or_create(Shelf, [couplet], number=1, note='x')
            assert again is shelf and not created and shelf.note == 'x'
        host = self.scanned(scan)
        self.assertEqual(host.one(Shelf).parents, [host.root])

        def update(self, couplet):
            # The first report of this session was in the initial scan.
            assert self.update_or_create(Shelf, number=1) == (next(self.find_by_attr(Shelf)), False)
        self.assertFalse(self.update(host, update))

    def test_register_resource(self):
        def scan(self, couplet):
            shelf = Shelf(number=1, note='x')
            shelf.add_parent(couplet)
            assert self.register_resource(shelf) is shelf
            shelf.watts = 5
            assert self.register_resource(Shelf(number=1, note='y'), parents=[]) is shelf
            assert self.register_resource(shelf) is shelf
            disk = self.register_resource(Disk(shelf=shelf, slot=1), [shelf])
            assert disk.good is True
        host = self.scanned(scan)
        shelf = host.one(Shelf, note='y')
        self.assertEqual((shelf.parents, shelf.last('watts')), ([host.root], 5))
        self.assertEqual(host.one(Disk, shelf=shelf, slot=1, good=True).parents, [shelf])
        for wrong, error in ((3, TypeError), (Shelf(), ValidationError), (Disk(slot=1), ValidationError)):
            with self.subTest(wrong=wrong), self.assertRaises(error):
                host.plugin.register_resource(wrong)
        lost = host.plugin.update_or_create(Shelf, number=9)[0]
        host.reopen()
        with self.assertRaisesRegex(ValueError, 'another session'):
            host.plugin.register_resource(lost)

    def test_assignment_parents_and_removal(self):
        def scan(self, couplet):
            self.shelf, _ = self.update_or_create(Shelf, number=1)
            self.disks = [self.update_or_create(Disk, [self.shelf], shelf=self.shelf, slot=n)[0] for n in range(3)]
        host = self.scanned(scan)
        disk = host.one(Disk, slot=1)

        def update(self, couplet):
            self.shelf.note = 'moved'
            self.shelf.watts = 7
            self.disks[1].remove_parent(self.shelf)
            self.disks[1].add_parent(self.disks[0])
            self.disks[2].spare_of = self.disks[1]
        turn = self.update(host, update)
        self.assertEqual({r.class_name for r in turn.changed}, {'Shelf', 'Disk'})
        self.assertEqual(disk.parents, [host.one(Disk, slot=0)])

        def update(self, couplet):
            self.remove(self.disks[1])
        turn = self.update(host, update)
        self.assertEqual(turn.removed, [disk])
        self.assertIsNone(host.one(Disk, slot=2)['spare_of'])  # an optional reference is cleared

        def update(self, couplet):
            self.remove(self.shelf)                            # and holders of mandatory ones go too
        self.assertEqual(len(self.update(host, update).removed), 3)
        self.assertEqual(host.resources(), [])

        def update(self, couplet):
            assert self.update_or_create(Shelf, number=1)[1]   # it may come back
        self.assertEqual(len(self.update(host, update).created), 1)
        self.assertEqual(self.update(host, lambda self, couplet: self.remove_by_attr(Shelf, number=1)).removed[0]['number'], 1)

    def test_log_is_a_logger(self):
        def scan(self, couplet):
            assert isinstance(self.log, logging.Logger)
            self.log.info('log message')
            self.log.warning('Platte %s: %d °C', '„Größe“ 漢字 😀', 40)
            self.log.error('lone \udc80 surrogate')
            try:
                raise KeyError('Schlüssel')
            except KeyError:
                self.log.exception('failed')
        host = self.scanned(scan)
        self.assertEqual([r['level'] for r in host.logs], ['info', 'warning', 'error', 'error'])
        self.assertEqual(host.logs[1]['message'], 'Platte „Größe“ 漢字 😀: 40 °C')
        self.assertIn("KeyError: 'Schlüssel'", host.logs[3]['message'])

    def test_update_period(self):
        def scan(self, couplet):
            self.update_period = 7
        host = self.scanned(scan)
        self.assertEqual(host.update_period, 7)

        def update(self, couplet):
            self.update_period = 'has no effect any more'
        self.assertFalse(self.update(host, update))
        self.assertIsNone(self.scanned(lambda self, couplet: None).update_period)

    def test_a_thread_reports_on_its_own(self):
        heard, tell = [], threading.Event()

        def listen(self):
            tell.wait()
            shelf, _ = self.update_or_create(Shelf, number=2)
            shelf.watts = 12
            self.update_or_create(Disk, [shelf], shelf=shelf, slot=1)
            for old in self.find_by_attr(Shelf, number=1):
                self.remove(old)
            heard.append(threading.current_thread())

        def scan(self, couplet):
            self.update_or_create(Shelf, number=1)
            self.thread = threading.Thread(target=listen, args=(self,))
            self.thread.start()
        host = self.scanned(scan)
        self.assertEqual(len(host.resources()), 1)
        tell.set()
        host.wait_for(Disk, slot=1)
        host.plugin.thread.join()
        self.assertEqual(host.one(Shelf)['number'], 2)
        self.assertEqual(len(heard), 1)

    def test_meta_is_inherited_but_for_identifier_and_label(self):
        def scan(self, couplet):
            for number, klass in enumerate((Shelf, DeepShelf, DerivedMetaShelf)):
                made, _ = self.update_or_create(klass, number=number)
                made.watts = 1000
        host = self.scanned(scan)
        host.want_alerts('Overload', 'Overload', 'Overload')
        wire = {c['name']: c for c in host._loaded.manifest['classes']}
        self.assertEqual(wire['DeepShelf']['charts'], wire['Shelf']['charts'])
        self.assertEqual([s['unit'] for s in wire['DeepShelf']['statistics']], ['A', 'kW'])
        self.assertEqual(host.one(DeepShelf)['depth'], 10)     # a callable default, of the values so far
        self.assertNotIn('label', wire['DeepShelf'])
        self.assertEqual(wire['DerivedMetaShelf']['label'], 'Another')

    def test_get_label_may_return_anything(self):
        shown = (('Größe 漢字 😀', 'Größe 漢字 😀'), (7, '7'), (None, None), ('Größe'.encode(), 'Größe'), (b'\xff', '\ufffd'),
                 (('a', 1), "('a', 1)"), ('\ud800', '\\ud800'), ('', ''))
        for returned, label in shown:
            def scan(self, couplet):
                Odd.shown = returned
                self.update_or_create(Odd, name='x')
            with self.subTest(returned=returned):
                self.assertEqual(self.scanned(scan).one(Odd).label, label)

    def test_password(self):
        seen = []
        host = self.scanned(lambda self, couplet: seen.append(couplet.password), password='sesame')
        self.assertEqual(seen, [rot13('sesame')])
        self.assertEqual(host.encrypt('password', 'open'), rot13('open'))

    def test_unicode_everywhere(self):
        text = '„Größe“ 漢字 😀 \u2028 \x01'

        def scan(self, couplet):
            odd, _ = self.update_or_create(Odd, name=text)      # an identifier's value
            shelf, _ = self.update_or_create(Shelf, number=1, note=text)
            self.update_or_create(Disk, shelf=shelf, slot=1, where='/mnt/Größe/漢字 😀')
            couplet_label = couplet.get_label()
            assert '10.0.0.1' in couplet_label
        host = self.scanned(scan)
        self.assertEqual(host.one(Odd)['name'], text)
        self.assertEqual(host.one(Shelf)['note'], text)
        self.assertEqual(host.one(Disk)['where'], '/mnt/Größe/漢字 😀')

        def scan(self, couplet):
            raise OSError('Gerät %s antwortet nicht' % text)
        host = self.start(scan)
        with self.assertRaisesRegex(OSError, 'Gerät „Größe“ 漢字 😀'):
            host.initial_scan()

    def test_plugin_in_a_folder_with_any_name(self):
        source = ('from chroma_core.lib.storage_plugin.api import attributes, identifiers, plugin, resources\n'
                  'version = 1\n'
                  'class Geraet(resources.ScannableResource):\n'
                  '    class Meta:\n'
                  '        identifier = identifiers.GlobalId("groesse")\n'
                  '        label = "Gerät 漢字"\n'
                  '    groesse = attributes.Integer(label="Größe 😀")\n'
                  'class Leser(plugin.Plugin):\n'
                  '    def initial_scan(self, gerät):\n'
                  '        gerät.get_label().encode("utf-8")\n')
        with tempfile.TemporaryDirectory(prefix='Größe 漢字 😀 ') as folder:
            path = os.path.join(folder, 'leser.py')
            with open(path, 'w', encoding='utf-8') as f:
                f.write(source)
            with testing.start(path, groesse=7) as host:
                host.conform()
                self.assertEqual(host.root['groesse'], 7)

    def test_homing(self):
        """A PathWeight is a parent of the device node and has the LUN as its parent (guide, "Homing Information")."""
        class Lun(resources.LogicalDrive):
            class Meta:
                identifier = identifiers.ScopedId('number')
            number = attributes.Integer()

        class Weight(resources.PathWeight):
            class Meta:
                identifier = identifiers.ScopedId('port')
            port = attributes.Integer()

        class Node(resources.DeviceNode):
            class Meta:
                identifier = identifiers.ScopedId('host_id', 'path')

        class Homing(plugin.Plugin):
            def agent_session_start(self, host_id, data):
                lun, _ = self.update_or_create(Lun, number=1, size=data['size'])
                weight, _ = self.update_or_create(Weight, parents=[lun], port=2, weight=10)
                self.update_or_create(Node, parents=[weight], host_id=host_id, path=data['path'], logical_drive=lun)
        with testing.start(Homing, resources.HostRoot, [Lun, Weight, Node]) as host:
            host.agent_session_start({'size': 512, 'path': '/dev/sda'}, host_id=3)
            node = host.one(Node, host_id=3, path='/dev/sda', logical_drive=host.one(Lun))
            self.assertEqual(node.parents[0].parents, [host.one(Lun)])
            host.conform({'size': 512, 'path': '/dev/sda'})


if __name__ == '__main__':
    unittest.main()
