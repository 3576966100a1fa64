"""A Faultline plugin for a shelf of drives that describes itself in a file."""

import json

from chroma_core.lib.storage_plugin.api import (
    alert_conditions, attributes, identifiers, plugin, resources, statistics)

version = 1


class Shelf(resources.ScannableResource):
    """What a user adds."""
    class Meta:
        identifier = identifiers.GlobalId('path')
    path = attributes.PosixPath()


class Drive(resources.PhysicalDisk):
    """What the plugin finds there."""
    class Meta:
        identifier = identifiers.ScopedId('serial')
        alert_conditions = [
            alert_conditions.ValueCondition('status', error_states=['FAILED'], message='Drive failure'),
        ]
    serial = attributes.String()
    slot = attributes.Integer()
    status = attributes.Enum('OK', 'FAILED')
    temperature = statistics.Gauge(units='C')


class ShelfPlugin(plugin.Plugin):
    """Reads one shelf."""

    def initial_scan(self, shelf):
        self.update_scan(shelf)

    def update_scan(self, shelf):
        with open(shelf.path, encoding='utf-8') as file:
            found = json.load(file)
        for f in found:
            drive, _ = self.update_or_create(
                Drive, parents=[shelf], serial=f['serial'], slot=f['slot'], status=f['status'])
            drive.temperature = f['temperature']
        serials = {f['serial'] for f in found}
        for drive in self.find_by_attr(Drive):
            if drive.serial not in serials:
                self.remove(drive)
