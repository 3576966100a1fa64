"""Every kind of attribute with every option."""

from chroma_core.lib.storage_plugin.api import attributes, identifiers, plugin, resources

version = 1


# region root
def mask(password):
    """Return what is stored of a password, and what the plugin then sees."""
    return ''.join(chr(ord(c) ^ 0x15) for c in password)


class Box(resources.ScannableResource):
    """The root: users give its attributes, apart from the read-only ones."""
    class Meta:
        identifier = identifiers.GlobalId('address')
    address = attributes.Hostname()
    port = attributes.Integer(default=443, label='TCP port', min_val=1, max_val=65535)
    user = attributes.String(default='monitor', max_length=64)
    password = attributes.Password(mask, optional=True)
    name = attributes.String(hidden=True, default=lambda values: 'box at ' + values['address'])
    firmware = attributes.String(optional=True, user_read_only=True)
# endregion


# region kinds
class Part(resources.Resource):
    """Has an attribute of each kind."""
    class Meta:
        identifier = identifiers.ScopedId('serial')
    serial = attributes.String(max_length=32)
    slot = attributes.Integer(min_val=1, max_val=24)
    wear = attributes.Float(min_val=0, max_val=1)
    locate = attributes.Boolean()
    capacity = attributes.Bytes()  # an exact number of bytes
    status = attributes.Enum('OK', 'FAILED')
    port = attributes.Enum(0, 1)
    manager = attributes.Hostname(optional=True)
    wwn = attributes.Uuid(optional=True, label='World wide name')
    mount = attributes.PosixPath(optional=True)
    rebuilt = attributes.Integer(optional=True, min_val=0, max_val=100)  # None is no value, 0 is 0
    spare = attributes.ResourceReference(optional=True)
# endregion


class KindsPlugin(plugin.Plugin):
    def initial_scan(self, box):
        box.firmware = '1.4'
        first, _ = self.update_or_create(
            Part, serial='P1', slot=1, wear=0.25, locate=False, capacity=4 * 10**12, status='OK', port=0, rebuilt=0)
        self.update_or_create(
            Part, serial='P2', slot=2, wear=0, locate=True, capacity=0, status='FAILED', port=1, manager='10.0.0.7',
            mount='/data', wwn='b44f7d8e-a40d-4b96-b241-2ab462b4c1c1', spare=first)
