"""A plugin that is a package: version and plugin class here, resource classes in a module of their own."""

from chroma_core.lib.storage_plugin.api import plugin

from .hardware import Controller, Drive
from package_plugin import client  # a package may also import itself by name

version = 1
__version__ = '2.5'


class PackagePlugin(plugin.Plugin):
    def __init__(self, *args, **kwargs):
        super(PackagePlugin, self).__init__(*args, **kwargs)
        self._session = client.connect()

    def initial_scan(self, controller):
        assert isinstance(controller, Controller)
        for serial in self._session.serials():
            self.update_or_create(Drive, serial=serial)
