"""The built-in base classes (guide, "Resource Classes"). Inherit from the one that is closest to your object."""

from . import attributes
from .model import Resource

__all__ = [
    'Resource', 'ScannableResource', 'HostRoot', 'Host', 'Controller', 'Enclosure', 'Fan', 'PhysicalDisk', 'StoragePool',
    'LogicalDrive', 'LogicalDriveSlice', 'LogicalDriveOccupier', 'VirtualMachine', 'DeviceNode', 'PathWeight',
]


class ScannableResource(Resource):
    """A resource that a user adds and that the plugin contacts to learn about others, such as a storage controller."""


class HostRoot(Resource):
    """The root of what an agent plugin reports for one host."""


class Host(Resource):
    """A server."""


class Controller(Resource):
    """A RAID controller."""


class Enclosure(Resource):
    """A physical enclosure, drawer or shelf."""


class Fan(Resource):
    """A physical cooling fan."""


class PhysicalDisk(Resource):
    """A physical storage device, such as a hard drive or an SSD."""


class StoragePool(Resource):
    """An aggregation of physical disks."""


class LogicalDrive(Resource):
    """A storage device of a fixed size that could carry a file system."""

    #: Size of the drive in bytes, if it is known.
    size = attributes.Bytes(optional=True)
    #: What the drive is formatted with, if that is known.
    filesystem_type = attributes.String(optional=True)

    #: Whether file system targets may be placed on drives of the class.
    usable_for_lustre = True

    @classmethod
    def device_type(cls):
        """Return the type of device that drives of the class are: by default a Linux block device."""
        return 'linux'


class LogicalDriveSlice(LogicalDrive):
    """A part of a logical drive, such as a partition or a logical volume."""


class LogicalDriveOccupier(Resource):
    """Marks the logical drive that it descends from as in use: a mounted file system, for example."""


class _ServersOwn(attributes.Integer):
    """A number that the server alone sets."""

    def make_check(self):
        def check(value):
            if value is not None:
                raise ValueError('belongs to the server, and plugins must not assign it')
        return check


class VirtualMachine(Resource):
    """A host that the storage hardware itself runs (guide, "Reporting Hosts")."""

    #: Address at which the host can be reached.
    address = attributes.Hostname()
    #: Belongs to Faultline. Assigning it is a ValidationError (guide, "VirtualMachine").
    host_id = _ServersOwn(optional=True, user_read_only=True, hidden=True)


class DeviceNode(Resource):
    """One host's presentation of a logical drive."""

    #: The number of the host, as agent_session_start was given it.
    host_id = attributes.Integer()
    #: Path of the node on the host, such as /dev/sda.
    path = attributes.PosixPath()
    #: The drive behind the node, if it is known.
    logical_drive = attributes.ResourceReference(optional=True)


class PathWeight(Resource):
    """How good a way to a logical drive a device node is (guide, "Specifying Homing Information").

    It is a parent of the device node and has the logical drive as its parent.
    """

    #: Higher for a better path.
    weight = attributes.Integer()
