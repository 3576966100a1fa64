"""Plugins that report hosts, paths, and what agents send."""

from chroma_core.lib.storage_plugin.api import attributes, identifiers, plugin, resources

version = 1


# region machines
class Box(resources.ScannableResource):
    """A controller that runs virtual machines."""
    class Meta:
        identifier = identifiers.GlobalId('address')
    address = attributes.Hostname()


class Machine(resources.VirtualMachine):
    """One of them. Its address is declared by the base class."""
    class Meta:
        identifier = identifiers.GlobalId('box', 'number')
    box = attributes.ResourceReference()
    number = attributes.Integer()
# endregion


# region classes
class Lun(resources.LogicalDrive):
    """A logical drive of the box."""
    class Meta:
        identifier = identifiers.GlobalId('serial')
    serial = attributes.String()


class Path(resources.PathWeight):
    """One way to a LUN; weight is declared by the base class."""
    class Meta:
        identifier = identifiers.ScopedId('device')
    device = attributes.PosixPath()


class Node(resources.DeviceNode):
    """A device node that a host has. host_id, path and logical_drive are declared by the base class."""
    class Meta:
        identifier = identifiers.ScopedId('host_id', 'path')
    serial = attributes.String()
# endregion


# region hostroot
class Server(resources.HostRoot):
    """The root of what is made from one host's data."""
    class Meta:
        identifier = identifiers.GlobalId('host_id')
    host_id = attributes.Integer()
# endregion


class HostsPlugin(plugin.Plugin):
    def initial_scan(self, box):
        # region scan
        self.update_or_create(Machine, box=box, number=0, address='192.168.1.11')
        # endregion

    # region agent
    def agent_session_start(self, host_id, data):
        """Takes the full listing of one host."""
        for d in data:
            lun, _ = self.update_or_create(Lun, serial=d['serial'])
            path, _ = self.update_or_create(
                Path, parents=[lun], device=d['path'], weight=10 if d['preferred'] else 0)
            self.update_or_create(
                Node, parents=[path], host_id=host_id, path=d['path'], serial=d['serial'], logical_drive=lun)
        paths = {d['path'] for d in data}
        for node in self.find_by_attr(Node):
            if node.path not in paths:
                self.remove(node)

    def agent_session_continue(self, host_id, data):
        """Takes what comes later; this agent plugin always lists all."""
        self.agent_session_start(host_id, data)
    # endregion
