"""Log records on their way to the host: the plugin's own logger, and those of libraries."""

import logging
import os

#: The levels of the protocol as those of the logging module.
LEVELS = {'debug': logging.DEBUG, 'info': logging.INFO, 'warning': logging.WARNING, 'error': logging.ERROR}


class WireHandler(logging.Handler):
    """Sends records as log notifications, with the name of the session that they belong to."""

    def __init__(self, output, session=None):
        super().__init__()
        self._output, self._session = output, session

    def emit(self, record):
        """Send one record; a traceback stands in the message, after its first line."""
        try:
            message = self.format(record)
        except Exception as e:
            message = '%s (arguments %r do not fit: %s)' % (record.msg, record.args, e)
        self._output.log(_level(record.levelno), 'log', message, self._session)


def _level(number):
    for name in ('error', 'warning', 'info'):
        if number >= LEVELS[name]:
            return name
    return 'debug'


def threshold():
    """Return the level below which the host wants no records (protocol/SPEC.md, section 7)."""
    return LEVELS.get(os.environ.get('FAULTLINE_LOG_LEVEL', '').lower(), logging.WARNING)


class _SessionLogger(logging.Logger):
    """A logger whose level may change at any time: it keeps no answers of isEnabledFor."""

    def isEnabledFor(self, level):
        """Whether records of the level are sent."""
        return not self.disabled and level >= self.level


def session_logger(plugin_name, output, session, level):
    """Return the logger of one session: Plugin.log. Records below level are left out."""
    log = _SessionLogger(plugin_name, level)
    log.addHandler(WireHandler(output, session))
    return log


def capture_root(output):
    """Send what other loggers say to the host too: the guide asks authors not to make their own, but libraries do."""
    root = logging.getLogger()
    root.setLevel(threshold())
    root.addHandler(WireHandler(output))
