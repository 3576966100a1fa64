"""Parents, references and relations."""

from chroma_core.lib.storage_plugin.api import attributes, identifiers, plugin, relations, resources

version = 1


class Array(resources.ScannableResource):
    class Meta:
        identifier = identifiers.GlobalId('address')
    address = attributes.Hostname()


class Fan(resources.Fan):
    class Meta:
        identifier = identifiers.ScopedId('number')
    number = attributes.Integer()


# region references
class Enclosure(resources.Enclosure):
    """Holds drives."""
    class Meta:
        identifier = identifiers.ScopedId('number')
    number = attributes.Integer()


class Drive(resources.PhysicalDisk):
    """Goes with its enclosure: the reference is mandatory."""
    class Meta:
        identifier = identifiers.ScopedId('enclosure', 'slot')
    enclosure = attributes.ResourceReference()
    slot = attributes.Integer()


class Pool(resources.StoragePool):
    """Loses its spare when that goes, and stays: the reference is optional."""
    class Meta:
        identifier = identifiers.ScopedId('number')
    number = attributes.Integer()
    spare = attributes.ResourceReference(optional=True)
# endregion


# region relations
class Lun(resources.LogicalDrive):
    """What hosts see as a SCSI device of the same serial number."""
    class Meta:
        identifier = identifiers.ScopedId('serial')
        relations = [
            relations.Provide(provide_to=('linux', 'ScsiDevice'), attributes=['serial'], ignorecase=True),
        ]
    serial = attributes.String()


class Copy(resources.LogicalDrive):
    """A copy of a LUN, which may be on another array: the LUN becomes a parent of it."""
    class Meta:
        identifier = identifiers.ScopedId('number')
        relations = [
            relations.Subscribe(subscribe_to=Lun, attributes=['serial']),
        ]
    number = attributes.Integer()
    serial = attributes.String()
# endregion


class GraphPlugin(plugin.Plugin):
    def initial_scan(self, array):
        # region parents
        fan, _ = self.update_or_create(Fan, number=1)
        enclosure, _ = self.update_or_create(Enclosure, parents=[fan], number=1)  # a failing fan is its problem
        d0, _ = self.update_or_create(Drive, parents=[enclosure], enclosure=enclosure, slot=0)
        d1, _ = self.update_or_create(Drive, parents=[enclosure], enclosure=enclosure, slot=1)
        pool, _ = self.update_or_create(Pool, parents=[d0], number=1, spare=d1)
        self.update_or_create(Lun, parents=[pool], serial='600A0B80')
        self.update_or_create(Copy, number=1, serial='600A0B80')  # its parent, the LUN, is found by the relation

        pool.add_parent(d1)  # d1 takes part now
        pool.remove_parent(d0)
        # endregion
