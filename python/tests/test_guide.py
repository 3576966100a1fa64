"""The guide's other examples, with their indentation restored, run as they stand (storage plugin guide)."""

import threading
import unittest

from chroma_agent.plugin_manager import (
    PRIO_HIGH, PRIO_LOW, PRIO_NORMAL, DevicePlugin, DevicePluginMessage, DevicePluginMessageCollection)
from chroma_core.lib.storage_plugin.api import (
    alert_conditions, attributes, identifiers, plugin, relations, resources, statistics)
from chroma_core.lib.storage_plugin.api.resources import Resource
from faultline_sdk import checks, manifest, session, turn
from faultline_sdk.plugin import make


def problems(*classes):
    """Return what validation says of resource classes."""
    return checks.check_module('guide', ('guide.py', 1), list(classes), [(GuidePlugin, ('guide.py', 1))])


def described(*classes):
    return manifest.build('guide', list(classes))['classes']


class GuidePlugin(plugin.Plugin):
    def initial_scan(self, root_resource):
        pass


class Declarations(unittest.TestCase):
    def test_resource(self):
        class HardDrive(resources.Resource):
            serial_number = attributes.String()
            capacity = attributes.Bytes()
            temperature = statistics.Gauge(units = 'C')

            class Meta:
                identifier = identifiers.GlobalId('serial_number')
        self.assertEqual(problems(HardDrive), [])
        hd = HardDrive(serial_number = 'x', capacity = 5)
        hd.temperature = 20

    def test_identifier_by_shelf_and_slot(self):
        class HardDrive(Resource):
            class Meta:
                identifier = identifiers.ScopedId('shelf', 'slot')
            shelf = attributes.ResourceReference()
            slot = attributes.Integer()
        self.assertEqual(problems(HardDrive), [])
        self.assertEqual(described(HardDrive)[0]['identifier'], {'scope': 'scoped', 'attributes': ['shelf', 'slot']})

    def test_alert_condition(self):
        class HardDrive(Resource):
            class Meta:
                identifier = identifiers.ScopedId('shelf', 'slot')
                alert_conditions = [
                    alert_conditions.ValueCondition('status', warn_states = ['FAILED'], message = "Drive failure")
                ]
            shelf = attributes.ResourceReference()
            slot = attributes.Integer()
            status = attributes.String()
        self.assertEqual(problems(HardDrive), [])
        self.assertEqual(described(HardDrive)[0]['alert_conditions'], [
            {'kind': 'value', 'attribute': 'status', 'message': 'Drive failure', 'warn_states': ['FAILED']}])

    def test_alert_conditions_with_ids(self):
        class HardDrive(Resource):
            class Meta:
                identifier = identifiers.ScopedId('shelf', 'slot')
                alert_conditions = [
                    alert_conditions.ValueCondition('status', warn_states = ['NEARFAILURE'], message = "Drive near failure",
                                                    id = 'nearfailure'),
                    alert_conditions.ValueCondition('status', warn_states = ['FAILED'], message = "Drive failure",
                                                    id = 'failure')
                ]
            shelf = attributes.ResourceReference()
            slot = attributes.Integer()
            status = attributes.String()
        self.assertEqual(problems(HardDrive), [])

    def test_scannable(self):
        class StorageController(resources.ScannableResource):
            address_1 = attributes.Hostname()
            address_2 = attributes.Hostname()

            class Meta:
                identifier = identifiers.GlobalId('address_1', 'address_2')
        self.assertEqual(problems(StorageController), [])

    def test_charts(self):
        class MyResource(Resource):
            number = attributes.Integer()
            read_bytes_per_sec = statistics.Gauge(units = 'bytes/s')
            write_bytes_per_sec = statistics.Gauge(units = 'bytes/s')

            class Meta:
                identifier = identifiers.ScopedId('number')  # the guide leaves it out here
                charts = [
                    {
                        'title': "Bandwidth",
                        'series': ['read_bytes_per_sec', 'write_bytes_per_sec']
                    }
                ]
        self.assertEqual(problems(MyResource), [])

    def test_relation_names_an_undeclared_attribute(self):
        class MyLunClass(Resource):
            serial = attributes.String()

            class Meta:
                identifier = identifiers.GlobalId('my_serial')
                relations = [relations.Provide(
                    provide_to = ('linux', 'ScsiDevice'),
                    attributes = 'serial')]
        found = problems(MyLunClass)
        self.assertEqual([p.where for p in found], ['MyLunClass.my_serial'])
        self.assertEqual(MyLunClass._fl_info.relations[0].attributes, ['serial'])

    def test_conditions_on_statistics_and_labels(self):
        class Widget(Resource):
            class Meta:
                identifier = identifiers.ScopedId('my_internal_name')
                label = 'Fancy widget'
                alert_conditions = [
                    alert_conditions.LowerBoundCondition('rate', error_bound = 10, message = "Rate too low"),
                    alert_conditions.UpperBoundCondition('temperature', error_bound = 85,
                                                         message = "Maximum operating temperature exceeded"),
                    alert_conditions.AttrValAlertCondition('status', error_states = ['FAILED'], message = "Widget failed"),
                ]
            my_internal_name = attributes.String(label = 'Fancy name')
            rate = statistics.Counter()
            temperature = statistics.Gauge(units = 'C')
            status = attributes.Enum('OK', 'FAILED')
            sizes = statistics.BytesHistogram(bins = [(0, 512), (513, 1024), (1025, 4096), (4097,)])
        self.assertEqual(problems(Widget), [])
        self.assertEqual(described(Widget)[0]['label'], 'Fancy widget')

    def test_default_labels(self):
        class Unit(Resource):
            class Meta:
                identifier = identifiers.ScopedId('shelf', 'slot')
                label = 'Unit'
            shelf = attributes.Integer()
            slot = attributes.Integer()
        self.assertEqual(Unit(shelf = 1, slot = 2).get_label(), 'Unit 1 2')

    def test_built_in_classes(self):
        self.assertIs(resources.LogicalDrive.usable_for_lustre, True)
        self.assertEqual(resources.LogicalDrive.device_type(), 'linux')
        for name in ('Controller', 'Enclosure', 'Fan', 'LogicalDrive', 'LogicalDriveOccupier', 'LogicalDriveSlice',
                     'PhysicalDisk', 'StoragePool', 'VirtualMachine', 'DeviceNode', 'PathWeight', 'Host'):
            self.assertTrue(issubclass(getattr(resources, name), resources.Resource))


class Hosts(unittest.TestCase):
    def test_virtual_machine(self):
        class MyController(resources.ScannableResource):
            class Meta:
                identifier = identifiers.GlobalId('address')
            address = attributes.Hostname()

        class MyVirtualMachine(resources.VirtualMachine):
            class Meta:
                identifier = identifiers.GlobalId('vm_id', 'controller')
            controller = attributes.ResourceReference()
            vm_id = attributes.Integer()
            # NB the 'address' attribute is inherited

        class MyPlugin(plugin.Plugin):
            def initial_scan(self, controller):
                # ... somehow learn about a virtual machine hosted on `controller` ...
                self.update_or_create(MyVirtualMachine, vm_id = 0, controller = controller, address = "192.168.1.11")
        self.assertEqual(problems(MyController, MyVirtualMachine), [])
        root = session.open_root(MyController, {'address': 'a'})
        state = session.Session('s', root)
        state.hook_thread = threading.get_ident()
        make(MyPlugin, state, None).initial_scan(root)
        ops = turn.collect(state, turn.FIRST, None).ops
        self.assertEqual(ops, [{'op': 'put', 'h': 1, 'class': 'MyVirtualMachine', 'attributes': {
            'vm_id': 0, 'controller': {'$ref': 0}, 'address': '192.168.1.11'}}])


class AgentSide(unittest.TestCase):
    def test_device_plugin(self):
        class MyPlugin(DevicePlugin):
            def start_session(self):
                return DevicePluginMessageCollection([{'a': 1}, DevicePluginMessage({'b': 2}, PRIO_LOW)], PRIO_HIGH)
        found = MyPlugin(None).start_session()
        self.assertEqual((len(found), found.priority, found[1].message, found[1].priority), (2, PRIO_HIGH, {'b': 2}, PRIO_LOW))
        self.assertIsNone(MyPlugin(None).update_session())
        self.assertTrue(PRIO_HIGH < PRIO_NORMAL < PRIO_LOW)
        with self.assertRaises(NotImplementedError):
            DevicePlugin().start_session()


if __name__ == '__main__':
    unittest.main()
