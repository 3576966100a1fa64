from chroma_core.lib.storage_plugin.api import attributes, identifiers
from chroma_core.lib.storage_plugin.api.resources import PhysicalDisk, ScannableResource


class Controller(ScannableResource):
    class Meta:
        identifier = identifiers.GlobalId('address')
    address = attributes.Hostname()


class Drive(PhysicalDisk):
    class Meta:
        identifier = identifiers.ScopedId('serial')
    serial = attributes.String()
