"""The import path that the storage plugin guide gives to authors of agent plugins; see chroma_agent.plugin_manager."""
