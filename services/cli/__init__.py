"""The `plait` command: composes the services; decides nothing, writes nothing itself."""
