"""Everything that crosses a wire: types, subjects, streams, bus, embedded server, client."""
