"""JSON-RPC calls and errors of the plugin protocol (protocol/SPEC.md; codes in sdk/wire)."""

import traceback

from .errors import ValidationError

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
SCAN_FAILED = -32001
UNKNOWN_SESSION = -32002
BAD_STATE = -32003
BAD_VERSION = -32004
BAD_PLUGIN = -32005
INVALID_VALUE = -32006


class Call:
    """One call of the host."""

    __slots__ = ('id', 'method', 'params')

    def __init__(self, id, method, params):
        self.id, self.method, self.params = id, method, params


class Error(Exception):
    """An error answer: code, message and data (wire.ErrorData as a dict, or None)."""

    def __init__(self, code, message, data=None):
        super().__init__(message)
        self.code, self.message, self.data = code, message, data

    def to_wire(self):
        """Return the error object of a JSON-RPC answer."""
        out = {'code': self.code, 'message': self.message}
        if self.data:
            out['data'] = {k: v for k, v in self.data.items() if v}
        return out


def failure(error):
    """Return the answer for an exception of the author's code: its first line, kind, attribute at fault and traceback."""
    code = INVALID_VALUE if isinstance(error, ValidationError) else SCAN_FAILED
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # of an exception class whose own text fails; its name must do
        lines = []
    data = {
        'kind': type(error).__name__,
        'detail': ''.join(traceback.format_exception(type(error), error, _authors(error.__traceback__))),
    }
    attribute = getattr(error, 'attribute', None)
    if isinstance(attribute, str):
        data['attribute'] = attribute
    answer = Error(code, lines[0] if lines else type(error).__name__, data)
    answer.__cause__ = error
    return answer


def _authors(tb):
    """Leave the SDK's own frames before the author's out of a traceback."""
    first = tb
    while tb is not None and tb.tb_frame.f_globals.get('__name__', '').startswith('faultline_sdk.'):
        tb = tb.tb_next
    return tb or first
