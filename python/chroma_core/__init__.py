"""The import path that the storage plugin guide gives to authors; see chroma_core.lib.storage_plugin.api."""
