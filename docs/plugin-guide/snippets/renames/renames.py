"""What a new version of a plugin says of the older ones."""

from chroma_core.lib.storage_plugin.api import attributes, identifiers, plugin, resources

version = 1
__version__ = '2.0'


class Array(resources.ScannableResource):
    class Meta:
        identifier = identifiers.GlobalId('address')
    address = attributes.Hostname()
    port = attributes.Integer(default=443)  # new: roots that users added before get it


# region renamed
class Drive(resources.PhysicalDisk):
    """Was once known by what was called its number."""
    class Meta:
        identifier = identifiers.ScopedId('serial')
    serial = attributes.String(renamed_from='number')
    model = attributes.String(default='unknown')                      # new, and mandatory
    firmware = attributes.String(renamed_from=['version', 'code'])    # it was renamed twice, the latest first
# endregion


class RenamesPlugin(plugin.Plugin):
    def initial_scan(self, array):
        self.update_or_create(Drive, serial='S1', firmware='1.4')
