"""Statistics, charts and alert conditions."""

from chroma_core.lib.storage_plugin.api import (
    alert_conditions, attributes, identifiers, plugin, resources, statistics)

version = 1


class Array(resources.ScannableResource):
    class Meta:
        identifier = identifiers.GlobalId('address')
    address = attributes.Hostname()


class Volume(resources.LogicalDrive):
    # region conditions
    class Meta:
        label = 'Virtual volume'
        identifier = identifiers.ScopedId('name')
        alert_conditions = [
            alert_conditions.ValueCondition(
                'status', warn_states=['DEGRADED'], for_seconds=60, message='Volume degraded', id='degraded'),
            alert_conditions.ValueCondition('status', error_states=['FAILED'], message='Volume failed', id='failed'),
            alert_conditions.UpperBoundCondition(
                'latency', warn_bound=20, warn_clear=15, error_bound=100, for_seconds=300, message='Volume slow'),
            alert_conditions.LowerBoundCondition('size', info_bound=1 << 30, message='Volume is small'),
        ]
        charts = [
            {'title': 'Throughput', 'series': ['read', 'written']},
            {'title': 'Latency', 'series': ['latency']},
            {'title': 'I/O sizes', 'series': ['sizes']},
        ]
    # endregion

    # region statistics
    name = attributes.String()
    status = attributes.Enum('OK', 'DEGRADED', 'FAILED', label='State of health')
    serial = attributes.String(hidden=True)
    latency = statistics.Gauge(sample_period=30, units='ms')
    read = statistics.Counter(units='bytes', label='Data read')
    written = statistics.Counter(units='bytes', label='Data written')
    sizes = statistics.BytesHistogram(bins=[(0, 512), (513, 1024), (1025, 4096), (4097,)], label='I/O sizes')
    # endregion

    # region label
    def get_label(self):
        """Name a volume; the default is the class label and the identifier."""
        return 'volume "%s"' % self.name
    # endregion


class WatchPlugin(plugin.Plugin):
    def initial_scan(self, array):
        # region samples
        v, _ = self.update_or_create(Volume, name='home', status='FAILED', serial='600A0B80', size=8 * 10**12)
        v.latency = 3.5
        v.read = 52218880
        v.written = 1048576
        v.sizes = [7, 0, 3, 1]
        # endregion
