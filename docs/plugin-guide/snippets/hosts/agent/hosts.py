"""The agent's side: it runs on a storage server, and what it returns goes to the server plugin of the same name."""

import os

from chroma_agent.plugin_manager import PRIO_HIGH, DevicePlugin, DevicePluginMessage

DEVICES = '/dev/disk/by-id'


class HostsAgent(DevicePlugin):
    def start_session(self):
        """Return all there is."""
        self.known = list_devices()
        return self.known

    def update_session(self):
        """Return what is new, or None to send nothing."""
        found = list_devices()
        if found == self.known:
            return None
        self.known = found
        return DevicePluginMessage(found, priority=PRIO_HIGH)


def list_devices(folder=DEVICES):
    """Return the SCSI disks that the folder names by their serial numbers."""
    names = sorted(n for n in os.listdir(folder) if n.startswith('scsi-') and '-part' not in n)
    return [{'path': os.path.realpath(os.path.join(folder, n)), 'serial': n[len('scsi-'):], 'preferred': True} for n in names]
