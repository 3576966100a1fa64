"""The device plugin of protocol/transcripts/README.md."""

import threading

from chroma_agent.plugin_manager import PRIO_HIGH, PRIO_LOW, DevicePlugin, DevicePluginMessage, DevicePluginMessageCollection


class Device(DevicePlugin):
    update_period = 2.5
    sessions = 0

    def start_session(self):
        Device.sessions += 1
        self.updates = 0
        return DevicePluginMessageCollection([
            {'devices': ['/dev/sda', '/dev/sdb']}, DevicePluginMessage({'failing': '/dev/sdb'}, PRIO_HIGH), None,
            DevicePluginMessageCollection(['a', 2.5], PRIO_LOW)])

    def update_session(self):
        self.updates += 1
        if self.updates == 1 and Device.sessions == 2:
            other = threading.Thread(target=self.tell)
            other.start()
            other.join()
        elif self.updates == 2:
            self.log.warning('sdb is hot')
            print('hello')
            return ['/dev/sdc', None]
        elif self.updates == 3:
            raise OSError('sdc does not answer')
        return None

    def tell(self):
        self.changed()
        self.changed()
