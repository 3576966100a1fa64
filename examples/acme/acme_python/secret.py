"""How passwords look in the store. The Go plugin does the same, so either can read what the other stored."""

import base64

OBFUSCATED = 'acme1:'  # before an obfuscated password; says how it was made
PAD = b'Acme array'


def _mask(data):
    """Hide or show the bytes of a password: it is its own inverse."""
    return bytes(b ^ PAD[i % len(PAD)] for i, b in enumerate(data))


def obfuscate(password):
    """Hide a password from a casual look. This is no encryption; Faultline encrypts its store."""
    return OBFUSCATED + base64.b64encode(_mask(password.encode())).decode()


def reveal(stored):
    """Undo obfuscate."""
    try:
        if not stored.startswith(OBFUSCATED):
            raise ValueError
        return _mask(base64.b64decode(stored[len(OBFUSCATED):], validate=True)).decode()
    except ValueError:
        raise ValueError('the stored password was not made by this plugin; enter it again') from None
