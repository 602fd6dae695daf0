"""Everything that crosses a wire: types, subjects, streams, the bus, the embedded server, a client."""
