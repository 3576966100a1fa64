"""What can identify a resource."""

from chroma_core.lib.storage_plugin.api import attributes, identifiers, plugin, resources

version = 1


# region roots
class Couplet(resources.ScannableResource):
    """Known by the addresses of both controllers."""
    class Meta:
        identifier = identifiers.GlobalId('address_1', 'address_2')
    address_1 = attributes.Hostname()
    address_2 = attributes.Hostname()


class Cupboard(resources.ScannableResource):
    """Has nothing that tells it from another one: the server numbers it."""
    class Meta:
        identifier = identifiers.AutoId()
    note = attributes.String()
# endregion


# region below
class Drive(resources.PhysicalDisk):
    """Has a number from its maker, whoever reports it."""
    class Meta:
        identifier = identifiers.GlobalId('wwn')
    wwn = attributes.Uuid()


class Fan(resources.Fan):
    """The Nth of its couplet, and nothing elsewhere."""
    class Meta:
        identifier = identifiers.ScopedId('number')
    number = attributes.Integer()


class Bay(resources.Enclosure):
    """Known by its fan zone and its number: a reference may identify too."""
    class Meta:
        identifier = identifiers.ScopedId('zone', 'slot')
    zone = attributes.ResourceReference()
    slot = attributes.Integer()
# endregion


class IdentityPlugin(plugin.Plugin):
    # region scan
    def initial_scan(self, root):
        if isinstance(root, Cupboard):
            return  # nothing to be found there
        fan, _ = self.update_or_create(Fan, number=1)
        bay, _ = self.update_or_create(Bay, parents=[fan], zone=fan, slot=4)
        self.update_or_create(Drive, parents=[bay], wwn='b44f7d8ea40d4b96b2412ab462b4c1c1')
    # endregion
