"""The life of a session, with an array that answers "list" with its drives and "watch" with each change of one, over TCP."""

import socket
import threading

from chroma_core.lib.storage_plugin.api import attributes, identifiers, plugin, resources

version = 1


class Array(resources.ScannableResource):
    class Meta:
        identifier = identifiers.GlobalId('address')
    address = attributes.String()  # HOST:PORT


class Drive(resources.PhysicalDisk):
    class Meta:
        identifier = identifiers.ScopedId('serial')
    serial = attributes.String()
    status = attributes.Enum('OK', 'FAILED')


# region begin
class LifecyclePlugin(plugin.Plugin):
    """Talks to one array. There is one instance for each session."""

    events = listener = None

    def initial_scan(self, array):
        self.update_period = 30  # seconds between update scans
        self.update_scan(array)
        self.events = ask(array, 'watch')
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()
    # endregion

    # region update
    def update_scan(self, array):
        """Report how it is now: what is as before is not sent."""
        found, silent = list_drives(array)  # raises if the array cannot be asked
        for shelf in silent:
            self.incomplete('shelf %s does not answer' % shelf)
        for serial, status in found.items():
            drive, created = self.update_or_create(Drive, serial=serial, status=status)
            if created:
                self.log.info('a drive was found: %s', serial)
        if silent:
            return  # what is missing may be in a shelf that is silent
        for drive in self.find_by_attr(Drive):
            if drive.serial not in found:
                self.remove(drive)
    # endregion

    # region events
    def listen(self):
        """Runs on a thread of its own, which may assign, report and remove at any time."""
        with self.events.makefile(encoding='utf-8') as lines:
            for line in lines:
                serial, status = line.split()
                for drive in self.find_by_attr(Drive, serial=serial):
                    drive.status = status

    def teardown(self):
        """End what initial_scan began."""
        if self.listener is not None:  # else the scan failed before
            self.events.shutdown(socket.SHUT_RDWR)
            self.listener.join()
            self.events.close()
    # endregion


def ask(array, request, timeout=None):
    """Open a connection and send one request."""
    host, _, port = array.address.rpartition(':')
    connection = socket.create_connection((host, int(port)), timeout=10)
    connection.settimeout(timeout)
    connection.sendall(request.encode() + b'\n')
    return connection


def list_drives(array):
    """Return the status of each drive, and which shelves are silent."""
    found, silent = {}, []
    with ask(array, 'list', timeout=10) as connection, connection.makefile(encoding='utf-8') as lines:
        for line in lines:
            if line == '.\n':
                return found, silent
            name, status = line.split()
            if status == 'SILENT':
                silent.append(name)
            else:
                found[name] = status
    raise EOFError('list the drives of %s: the answer has no end' % array.address)
